import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import Logging
import NIOPosix
import Testing

@testable import CeleryDialect

/// A Celery worker in memory and in virtual time, with remote control.
struct ControlBench: Sendable {
    /// What the worker tells of its settings.
    static let settings: WireObject = ["timezone": nil, "broker_transport_options": ["sep": "\u{06}\u{16}'"]]

    let mailbox: FakeMailbox
    let broker: any MessageBroker
    let store = MemoryResultStore()
    let timers = VirtualTimers()
    let client: TaskClient
    let logger: Logger

    /// Makes one whose tasks and requests a broker carries, by default the mailbox.
    init(
        mailbox: FakeMailbox = FakeMailbox(), broker: (any MessageBroker)? = nil,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) {
        self.mailbox = mailbox
        self.broker = broker ?? mailbox
        self.logger = logger
        client = TaskClient(
            dialect: CeleryFormats(), broker: self.broker, store: store,
            configuration: ClientConfiguration(defaultQueue: "celery"), timers: timers, logger: logger)
    }

    /// Runs a worker with a concurrency of 1, or one that scales itself, while `body` runs, then stops it gracefully.
    func run(
        _ control: CeleryControlConfiguration = CeleryControlConfiguration(heartbeatInterval: nil),
        accept: Set<CelerySerializer> = [.json], autoscale: ClosedRange<Int>? = nil,
        @TaskHandlerBuilder handlers: () -> [TaskHandler], during body: @Sendable () async throws -> Void
    ) async throws {
        let part = try #require(
            CeleryRemoteControl(
                configuration: control, content: ControlContent(accept: accept), broker: broker, queues: QueueTable(),
                nodeName: "w@test", settings: Self.settings, timers: timers, logger: logger))
        var configuration = WorkerConfiguration(queues: ["celery"], concurrency: 1, nodeName: "w@test")
        configuration.autoscale = autoscale
        let worker = TaskWorker(
            dialect: CeleryFormats(), broker: broker, store: store, configuration: configuration,
            timers: timers, executor: EventLoopTaskExecutor(MultiThreadedEventLoopGroup.singleton.next()),
            logger: logger, handlers: handlers(), parts: [part])
        try await withRunning(worker, body)
    }

    /// Sends a command and waits for the reply.
    func ask(_ method: String, _ arguments: WireObject = [:]) async throws -> WireValue {
        let ticket = "\(method)-\(mailbox.published.count)"
        try await send(method, arguments, ticket: ticket)
        await until { replies(to: ticket).count == 1 }
        return try #require(replies(to: ticket).first)
    }

    func send(
        _ method: String, _ arguments: WireObject = [:], ticket: String,
        change: (inout CeleryControlRequest) -> Void = { _ in }
    ) async throws {
        var request = CeleryControlRequest(method, arguments: arguments, clock: 5)
        request.ticket = ticket
        request.replyTo = CeleryReplyAddress(exchange: "reply.celery.pidbox", routingKey: "me")
        change(&request)
        await mailbox.deliver(.success(try request.encode()))
    }

    func replies(to ticket: String) -> [WireValue] {
        mailbox.published.compactMap { message in
            guard message.exchange == "reply.celery.pidbox", message.routingKey == "me",
                let reply = try? CeleryControlReply.decode(message.message), reply.ticket == ticket,
                reply.nodeName == "w@test"
            else { return nil }
            return reply.value
        }
    }

    /// The events that were sent, in order.
    var events: [CeleryEvent] {
        mailbox.published.filter { $0.exchange == "celeryev" }.flatMap {
            (try? CeleryEvent.decode($0.message)) ?? []
        }
    }
}
