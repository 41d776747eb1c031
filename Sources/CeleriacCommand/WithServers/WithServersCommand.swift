import ArgumentParser
import CeleriacTestKit
import CeleriacWire
import Foundation
import UnixSignals

/// `celeriac with-servers`: private servers for the time that a command runs.
struct WithServersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "with-servers",
        abstract: "Run a command beside private Redis and RabbitMQ servers.",
        discussion: """
            The servers listen on free ports of 127.0.0.1 and keep their data in a temporary folder. The command finds \
            them in its environment:

              CELERIAC_REDIS_URL, CELERIAC_AMQP_URL          always
              CELERIAC_REDIS_TLS_URL, CELERIAC_AMQP_TLS_URL  with --tls
              CELERIAC_TLS_CA                                with --tls: the authority that signed the servers
              CELERIAC_TLS_CERT, CELERIAC_TLS_KEY            with --tls: a client certificate of that authority

            Signals are passed on to the command. When it has ended, the servers and their data are gone, and its \
            status is the status of this command; 125 says that a server did not start, 127 that there is no such \
            command. The servers also end if this command is killed.

              celeriac with-servers --redis -- sh -c 'redis-cli -u $CELERIAC_REDIS_URL ping'
            """)

    @Flag(help: "Start a Redis server.")
    var redis = false

    @Flag(name: .customLong("rabbitmq"), help: "Start a RabbitMQ broker.")
    var rabbitMQ = false

    @Flag(help: "Let the servers listen for TLS too, with certificates made for this run.")
    var tls = false

    @Flag(help: "Print the variables as one line of JSON on standard error.")
    var json = false

    @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else { throw ValidationError("Say which command to run, after --.") }
        guard redis || rabbitMQ else { throw ValidationError("Say which servers to start: --redis, --rabbitmq.") }
    }

    func run() async throws {
        // Trapped before anything starts: whoever interrupts the start-up shall leave no servers behind.
        let signals = await UnixSignalsSequence(trapping: [
            .sigint, .sigterm, .sighup, .sigquit, .sigusr1, .sigusr2,
        ])
        let relay = SignalRelay()
        let status = await withTaskGroup(of: Int32?.self) { group in
            group.addTask {
                for await signal in signals where !relay.pass(signal) { return 128 + signal.rawValue }
                return nil  // The group was cancelled: the command has ended.
            }
            group.addTask { await runBesideServers(relay: relay) }
            // The later of two counts: a command that was being started when the signal came gets it, and has a status.
            var status: Int32?
            for await ended in group {
                group.cancelAll()
                status = ended ?? status
            }
            return status ?? 0
        }
        if status != 0 { throw ExitCode(status) }
    }

    /// The command's status; nil if it was not begun because this task is cancelled.
    private func runBesideServers(relay: SignalRelay) async -> Int32? {
        guard let executable = Self.executable(command[0]) else {
            say("Error: there is no command \(command[0])")
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
            // Not in a session of its own: the command may be interactive.
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
            say("Error: \(error)")
            return 125
        }
    }

    private func report(_ variables: [String: String]) {
        let sorted = variables.sorted { $0.key < $1.key }
        if json {
            var object = WireObject()
            for (name, value) in sorted { object[name] = .string(value) }
            say(String(decoding: (try? WireJSON.encode(.object(object))) ?? [], as: UTF8.self))
        } else {
            for (name, value) in sorted { say("\(name)=\(value)") }
        }
    }

    private func say(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }

    private static func executable(_ name: String) -> String? {
        guard name.contains("/") else { return try? Program.find(name, install: "it") }
        return FileManager.default.isExecutableFile(atPath: name) ? name : nil
    }
}
