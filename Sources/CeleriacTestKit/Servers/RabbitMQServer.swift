import Foundation
import Synchronization

/// A private RabbitMQ broker on free loopback ports, with its data in a temporary folder.
///
/// It runs as the current user with its own node name, cookie and `epmd`, and reads nothing under `/etc`, so that any
/// number of them can run side by side and next to the system's broker. It ends with ``stop(keepData:)``, when the
/// object is released, or when this process ends, even in a crash.
public final class RabbitMQServer: Sendable {
    /// The setup of a broker.
    public struct Options: Sendable {
        /// What to run; nil for the release that `CELERIAC_RABBITMQ` in the environment names, or else the system's.
        public var release: RabbitMQRelease?
        /// The TCP port; nil for a free one.
        public var port: Int?
        /// The server's certificate. If set, the broker also listens for TLS on another free port.
        public var tls: TestCertificates.Identity?
        /// Whether TLS clients must present a certificate from the same authority.
        public var requireClientCertificate: Bool
        /// Plugins to enable, for example `rabbitmq_auth_mechanism_ssl`.
        public var plugins: [String]
        /// Additional lines for `rabbitmq.conf`.
        public var configuration: [String]
        /// Settings of RabbitMQ itself that `rabbitmq.conf` does not know, each with its Erlang term, for
        /// `advanced.config`.
        public var advanced: [String: String]

        /// Creates options. The defaults give a broker without TLS or plugins.
        public init(
            release: RabbitMQRelease? = nil, port: Int? = nil, tls: TestCertificates.Identity? = nil,
            requireClientCertificate: Bool = false, plugins: [String] = [], configuration: [String] = [],
            advanced: [String: String] = [:]
        ) {
            self.release = release
            self.port = port
            self.tls = tls
            self.requireClientCertificate = requireClientCertificate
            self.plugins = plugins
            self.configuration = configuration
            self.advanced = advanced
        }
    }

    /// The TCP port on 127.0.0.1. It stays the same after a restart.
    public let port: Int
    /// The TLS port on 127.0.0.1; nil without ``Options/tls``.
    public let tlsPort: Int?
    /// What it runs.
    public let release: RabbitMQRelease
    private let options: Options
    private let executable: String
    private let control: String
    private let epmd: ChildProcess
    private let distributionPort: Int
    private let environment: [String: String]
    private let process: ServerProcess

    /// `amqp://guest:guest@127.0.0.1:port//`: the user `guest` in the virtual host `/`.
    public var url: String { url(virtualHost: "/") }

    /// `amqps://guest:guest@localhost:port//`; nil without ``Options/tls``.
    public var tlsURL: String? { tlsPort.map { "amqps://guest:guest@localhost:\($0)//" } }

    /// The process id of the running broker; nil while it is stopped.
    public var pid: Int32? { process.pid }

    /// The process id of the broker's `epmd`.
    public var epmdPID: Int32 { epmd.pid }

    /// The path of the broker's log.
    public var log: String { process.log }

    /// The URL of a virtual host, as Celery spells it: the name follows the slash after the port.
    public func url(virtualHost: String) -> String { "amqp://guest:guest@127.0.0.1:\(port)/\(virtualHost)" }

    /// Starts a broker and waits until it identifies itself in answer to an AMQP protocol header, which takes some
    /// seconds.
    ///
    /// - Throws: ``TestKitError``: `missingProgram` if RabbitMQ is not installed, `startFailed` with the end of the
    ///   broker's log if it does not start.
    public static func start(_ options: Options = .init()) async throws -> RabbitMQServer {
        let server = try await RabbitMQServer(options)
        try await server.launch()
        return server
    }

    private init(_ options: Options) async throws {
        self.options = options
        release = try options.release ?? RabbitMQRelease.preferred()
        executable = try release.program("rabbitmq-server")
        control = try release.program("rabbitmqctl")
        let epmdProgram = try release.program("epmd")
        port = try options.port ?? FreePort.take()
        tlsPort = options.tls == nil ? nil : try FreePort.take()
        distributionPort = try FreePort.take()
        process = try ServerProcess("rabbitmq")
        let folder = process.folder.path

        // We start epmd ourselves, since one that a node starts stays when the node ends.
        let epmdPort = try FreePort.take()
        let epmdLog = ChildProcess.Stream.file(folder + "/epmd.log")
        epmd = try ChildProcess(
            epmdProgram, ["-port", String(epmdPort), "-address", "127.0.0.1"], output: epmdLog, error: epmdLog)

        environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("RABBITMQ_") && !$0.key.hasPrefix("ERL_") }
            .merging(release.environment) { $1 }
            .merging([
                "HOME": folder,  // The server and rabbitmqctl keep the cookie here.
                "ERL_EPMD_PORT": String(epmdPort),
                "ERL_CRASH_DUMP": folder + "/erl_crash.dump",
                "RABBITMQ_CONF_ENV_FILE": folder + "/rabbitmq-env.conf",
                "RABBITMQ_CONFIG_FILE": folder + "/rabbitmq.conf",
                "RABBITMQ_ADVANCED_CONFIG_FILE": folder + "/advanced.config",
                "RABBITMQ_ENABLED_PLUGINS_FILE": folder + "/enabled_plugins",
                "RABBITMQ_MNESIA_BASE": folder + "/mnesia",
                "RABBITMQ_LOG_BASE": folder + "/log",
                "RABBITMQ_PID_FILE": folder + "/pid",
                "RABBITMQ_NODENAME": "celeriac-\(distributionPort)@localhost",
                "RABBITMQ_DIST_PORT": String(distributionPort),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
                // With this, the start script execs the node, so that the node's id is the child's, and handles no
                // signals itself.
                "RUNNING_UNDER_SYSTEMD": "true",
            ]) { $1 }
        let deadline = ContinuousClock.now + .seconds(60)
        // An epmd answers a name request (length 1, code 110) with its own port.
        while await LoopbackSocket.ask(port: epmdPort, [0, 1, 110], until: { $0.count >= 4 }) == nil {
            guard epmd.status == nil, ContinuousClock.now < deadline else {
                await epmd.kill()
                throw TestKitError(.startFailed, "epmd did not start:\n\(LogTail.of(folder + "/epmd.log"))")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    deinit {
        epmd.signal(9)
    }

    /// Ends the broker with SIGTERM and waits for it to end.
    ///
    /// - Parameter keepData: Whether to keep the data for ``restart(keepData:)``. Otherwise the folder is removed, and
    ///   the broker cannot be started again.
    public func stop(keepData: Bool = false) async {
        await process.stop(grace: .seconds(30))
        if !keepData {
            await epmd.kill()
            process.folder.remove()
        }
    }

    /// Ends the broker with SIGKILL and waits for it to end. The data stays for ``restart(keepData:)``.
    public func kill() async {
        await process.kill()
    }

    /// Ends the broker, unless it has already ended, and starts it again on the same ports.
    ///
    /// - Parameter keepData: Whether the broker keeps its durable queues and persistent messages.
    /// - Throws: As ``start(_:)``.
    public func restart(keepData: Bool = true) async throws {
        await process.stop(grace: .seconds(30))
        if !keepData { try? FileManager.default.removeItem(atPath: process.folder.path + "/mnesia") }
        try await launch()
    }

    /// Runs `rabbitmqctl` against this broker and returns its output.
    ///
    /// - Throws: ``TestKitError`` with code `commandFailed` if it fails.
    @discardableResult
    public func rabbitmqctl(_ arguments: String...) async throws -> String {
        try await rabbitmqctl(arguments)
    }

    /// Runs `rabbitmqctl` against this server and returns its output.
    @discardableResult
    public func rabbitmqctl(_ arguments: [String]) async throws -> String {
        try await Program.run(control, ["--quiet"] + arguments, environment: environment)
    }

    /// Makes virtual hosts in which `guest` may do everything, by one call of `rabbitmqctl`.
    func addVirtualHosts(_ names: [String]) async throws {
        let list = names.map { "<<\"\($0)\">>" }.joined(separator: ", ")
        let all = "<<\".*\">>"
        try await rabbitmqctl(
            "eval",
            """
            [begin
              rabbit_vhost:add(Name, <<"celeriac">>),
              rabbit_auth_backend_internal:set_permissions(<<"guest">>, Name, \(all), \(all), \(all), <<"celeriac">>)
            end || Name <- [\(list)]].
            """)
    }

    private func launch() async throws {
        let folder = process.folder.path
        try configurationLines.joined(separator: "\n")
            .write(toFile: folder + "/rabbitmq.conf", atomically: true, encoding: .utf8)
        try "[\(options.plugins.joined(separator: ","))].\n"
            .write(toFile: folder + "/enabled_plugins", atomically: true, encoding: .utf8)
        let advanced = options.advanced.sorted { $0.key < $1.key }.map { "{\($0.key), \($0.value)}" }
        try "[{rabbit, [\(advanced.joined(separator: ", "))]}].\n"
            .write(toFile: folder + "/advanced.config", atomically: true, encoding: .utf8)
        try "".write(toFile: folder + "/rabbitmq-env.conf", atomically: true, encoding: .utf8)
        let hello = Array("AMQP".utf8) + [0, 0, 9, 1]
        // Another broker may have taken the port. The cluster's name, one of the server properties, identifies ours.
        let name = "celeriac-\(distributionPort)@"
        try await process.start(executable, [], environment: environment, patience: .seconds(120)) { [port] _ in
            let answer = await LoopbackSocket.ask(port: port, hello, until: Self.isWholeFrame)
            // A method frame (1) on channel 0 with connection.start (10, 10), after its length.
            guard let answer, answer[0] == 1, answer[7..<11].elementsEqual([0, 10, 0, 10]) else { return false }
            return String(decoding: answer, as: UTF8.self).contains(name)
        }
    }

    /// Whether the bytes contain a whole method frame: type, channel (2), length (4), payload, end.
    private static func isWholeFrame(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 12 else { return false }
        return bytes.count >= bytes[3..<7].reduce(0) { $0 << 8 | Int($1) } + 8
    }

    private var configurationLines: [String] {
        var lines = [
            "listeners.tcp.1 = 127.0.0.1:\(port)", "num_acceptors.tcp = 2", "log.file = false", "log.console = true",
            "log.console.level = info", "disk_free_limit.absolute = 50MB",
        ]
        lines += release.configuration
        if let tls = options.tls, let tlsPort {
            lines += [
                "listeners.ssl.1 = 127.0.0.1:\(tlsPort)", "num_acceptors.ssl = 2",
                "ssl_options.cacertfile = \(tls.authorityPath)", "ssl_options.certfile = \(tls.certificatePath)",
                "ssl_options.keyfile = \(tls.privateKeyPath)", "ssl_options.verify = verify_peer",
                "ssl_options.fail_if_no_peer_cert = \(options.requireClientCertificate)",
            ]
        }
        return lines + options.configuration + [""]
    }
}
