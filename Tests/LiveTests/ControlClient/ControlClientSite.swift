import Celeriac
import CeleriacTestKit
import Foundation
import Logging
import Testing

/// A private broker with a Swift application whose remote control is tested, and workers in both languages.
struct ControlClientSite: Sendable {
    enum Transport: String, CaseIterable, CustomTestStringConvertible {
        case redis = "Redis"
        case rabbitMQ = "RabbitMQ"
        case folder = "folder"

        var testDescription: String { rawValue }

        /// The transports that this build supports.
        static var available: [Transport] {
            allCases.filter { transport in
                switch transport {
                #if !Redis
                case .redis: false
                #endif
                #if !AMQP
                case .rabbitMQ: false
                #endif
                default: true
                }
            }
        }
    }

    /// The language of a worker.
    enum Language: String, CaseIterable, CustomTestStringConvertible {
        case python, swift

        var testDescription: String { rawValue }
    }

    let transport: Transport
    let app: CeleryApp
    let python: PythonPeer
    let server: LiveServer?
    let folder: TemporaryFolder

    init(_ transport: Transport) async throws {
        self.transport = transport
        folder = try TemporaryFolder("control")
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        let settings: [String: WireValue] = ["worker_prefetch_multiplier": 4]
        switch transport {
        case .redis, .rabbitMQ:
            let server = try await LiveServer.start(transport == .redis ? .redis : .rabbitMQ)
            self.server = server
            let results = transport == .redis ? server.url : "rpc://"
            python = PythonPeer(broker: server.url, results: results, settings: settings)
            app = try CeleryApp(broker: server.url, results: results, logger: logger)
        case .folder:
            server = nil
            let (messages, control) = (folder.path + "/messages", folder.path + "/control")
            python = try PythonPeer(
                messages: messages, control: control, results: folder.path + "/results",
                processed: folder.path + "/processed", settings: settings)
            var configuration = CeleryConfiguration()
            configuration.filesystem = CeleryFilesystemOptions(folder: messages, controlFolder: control)
            app = try CeleryApp(
                broker: "filesystem://", results: "file://\(folder.path)/results", configuration: configuration,
                logger: logger)
        }
    }

    /// Starts a worker that runs one task at a time, and waits until it answers.
    func start(_ language: Language) async throws -> ControlledPeer {
        let peer: ControlledPeer
        switch language {
        case .python: peer = .python(try await python.startWorker(pool: .prefork, concurrency: 1))
        case .swift:
            let worker = app.worker(
                WorkerConfiguration(
                    queues: ["celery"], concurrency: 1, prefetchMultiplier: 4, nodeName: ControlledWorker.name)
            ) { MatrixTasks.handlers }
            let running = Task { try await worker.run() }
            try await worker.ready()
            peer = .swift(worker, running)
        }
        // Its mailbox may open a little later than its queues.
        try await until { try await !app.control(destination: [peer.name]).ping().isEmpty }
        return peer
    }

    func close() async {
        await app.close()
        await server?.stop()
        folder.remove()
    }
}

/// A worker that is controlled.
enum ControlledPeer: Sendable {
    case python(PythonWorker)
    case swift(TaskWorker, Task<Void, any Error>)

    var name: String {
        switch self {
        case .python(let worker): worker.name
        case .swift: ControlledWorker.name
        }
    }

    /// Waits until the worker has ended of itself.
    func end() async throws {
        switch self {
        case .python(let worker): await until { !worker.isRunning }
        case .swift(_, let running): try await running.value
        }
    }

    /// Ends the worker.
    func stop() async {
        switch self {
        case .python(let worker): await worker.stop()
        case .swift(let worker, let running):
            worker.stop()
            _ = await running.result
        }
    }
}

/// The reply of the one worker that was asked.
func only<Value>(
    _ replies: [ControlReply<Value>], from name: String? = nil, at place: SourceLocation = #_sourceLocation
) throws -> Value {
    #expect(replies.count == 1, sourceLocation: place)
    let reply = try #require(replies.first, sourceLocation: place)
    if let name { #expect(reply.node == name, sourceLocation: place) }
    return try reply.get()
}

/// The words in which the one worker that was asked refuses.
func refusal<Value>(
    _ replies: [ControlReply<Value>], at place: SourceLocation = #_sourceLocation
) throws -> String {
    let reply = try #require(replies.first, sourceLocation: place)
    switch reply.result {
    case .success(let value): throw CeleriacError(.resultMismatch, "the worker did not refuse: \(value)")
    case .failure(let error):
        #expect(error.code == .refused, sourceLocation: place)
        return error.message
    }
}
