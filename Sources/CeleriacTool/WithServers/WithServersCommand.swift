import ArgumentParser
import CeleriacCommand
import CeleriacTestKit
import CeleriacWire
import Foundation
import UnixSignals

/// `celeriac with-servers`: runs private servers for as long as a command runs.
struct WithServersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "with-servers",
        abstract: "Run a command with private Redis and RabbitMQ servers.",
        discussion: """
            The servers listen on free ports of 127.0.0.1 and keep their data in a temporary folder. The command finds \
            them in its environment:

              CELERIAC_REDIS_URL, CELERIAC_AMQP_URL          always
              CELERIAC_REDIS_TLS_URL, CELERIAC_AMQP_TLS_URL  with --tls
              CELERIAC_TLS_CA                                with --tls: the authority that signed the servers
              CELERIAC_TLS_CERT, CELERIAC_TLS_KEY            with --tls: a client certificate of that authority

            Signals are passed on to the command. When it has ended, the servers and their data are gone, and its \
            status is the status of this command; 125 means that a server did not start, 127 that there is no such \
            command. The servers also end if this command is killed.

              celeriac with-servers --redis -- sh -c 'redis-cli -u $CELERIAC_REDIS_URL ping'
            """)

    @Flag(help: "Start a Redis server.")
    var redis = false

    @Flag(name: .customLong("rabbitmq"), help: "Start a RabbitMQ broker.")
    var rabbitMQ = false

    @Flag(help: "Make the servers listen for TLS too, with certificates created for this run.")
    var tls = false

    @Flag(help: "Print the variables as one line of JSON on standard error.")
    var json = false

    @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else { throw ValidationError("Specify the command to run, after --.") }
        guard redis || rabbitMQ else { throw ValidationError("Specify the servers to start: --redis, --rabbitmq.") }
    }

    func run() async throws {
        // Signals are trapped before anything starts, so that an interrupted start leaves no servers behind.
        let signals = await UnixSignalsSequence(trapping: [
            .sigint, .sigterm, .sighup, .sigquit, .sigusr1, .sigusr2,
        ])
        let relay = SignalRelay()
        let status = await withTaskGroup(of: Int32?.self) { group in
            group.addTask {
                for await signal in signals where !relay.pass(signal) { return 128 + signal.rawValue }
                return nil  // The group was cancelled because the command has ended.
            }
            group.addTask { await runBesideServers(relay: relay) }
            // The later status counts: a command that was starting when the signal came still receives it.
            var status: Int32?
            for await ended in group {
                group.cancelAll()
                status = ended ?? status
            }
            return status ?? 0
        }
        if status != 0 { throw ExitCode(status) }
    }

    /// The command's status; nil if the command did not start because this task is cancelled.
    private func runBesideServers(relay: SignalRelay) async -> Int32? {
        guard let executable = Self.executable(command[0]) else {
            CommandEnvironment.say("Error: there is no command \(command[0])")
            return 127
        }
        do {
            let servers = try await LentServers.start(redis: redis, rabbitMQ: rabbitMQ, tls: tls)
            guard !Task.isCancelled else {
                await servers.end()
                return nil
            }
            report(servers.variables)
            let environment = ProcessInfo.processInfo.environment.merging(servers.variables) { $1 }
            // The child does not get its own session, since the command may be interactive.
            let child = try ChildProcess(
                executable, Array(command.dropFirst()), environment: environment,
                input: .inherit, output: .inherit, error: .inherit, ownSession: false)
            relay.start(child)
            let status = await child.wait()
            await servers.end()
            return status.shellStatus
        } catch is CancellationError {
            return nil
        } catch {
            CommandEnvironment.say("Error: \(error)")
            return 125
        }
    }

    private func report(_ variables: [String: String]) {
        let sorted = variables.sorted { $0.key < $1.key }
        if json {
            var object = WireObject()
            for (name, value) in sorted { object[name] = .string(value) }
            CommandEnvironment.say(CommandOutput.json(.object(object)))
        } else {
            for (name, value) in sorted { CommandEnvironment.say("\(name)=\(value)") }
        }
    }

    /// The path of a command's program; nil if there is none.
    static func executable(_ name: String) -> String? {
        guard name.contains("/") else { return try? Program.find(name, install: "it") }
        return FileManager.default.isExecutableFile(atPath: name) ? name : nil
    }
}

/// The servers of one `with-servers` run, and the environment variables that refer to them.
struct LentServers: Sendable {
    private(set) var variables: [String: String] = [:]
    private let redis: RedisServer?
    private let rabbitMQ: RabbitMQServer?

    static func start(redis: Bool, rabbitMQ: Bool, tls: Bool) async throws -> LentServers {
        let certificates = tls ? try await TestCertificates.shared() : nil
        async let startedRedis = redis ? RedisServer.start(.init(tls: certificates?.server, persistent: false)) : nil
        async let startedRabbitMQ = rabbitMQ ? RabbitMQServer.start(.init(tls: certificates?.server)) : nil
        return LentServers(
            redis: try await startedRedis, rabbitMQ: try await startedRabbitMQ, certificates: certificates)
    }

    private init(redis: RedisServer?, rabbitMQ: RabbitMQServer?, certificates: TestCertificates?) {
        self.redis = redis
        self.rabbitMQ = rabbitMQ
        variables["CELERIAC_REDIS_URL"] = redis?.url
        variables["CELERIAC_REDIS_TLS_URL"] = redis?.tlsURL
        variables["CELERIAC_AMQP_URL"] = rabbitMQ?.url
        variables["CELERIAC_AMQP_TLS_URL"] = rabbitMQ?.tlsURL
        variables["CELERIAC_TLS_CA"] = certificates?.authorityPath
        variables["CELERIAC_TLS_CERT"] = certificates?.client.certificatePath
        variables["CELERIAC_TLS_KEY"] = certificates?.client.privateKeyPath
    }

    /// Kills the servers, whose data is no longer needed, and removes their folders.
    func end() async {
        await redis?.kill()
        await rabbitMQ?.kill()
        await redis?.stop()
        await rabbitMQ?.stop()
    }
}
