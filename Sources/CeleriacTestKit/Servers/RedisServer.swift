import Foundation

/// A private redis-server on free loopback ports, with its data in a temporary folder.
///
/// It ends with ``stop(keepData:)``, when the object is released, or when this process ends, even in a crash.
public final class RedisServer: Sendable {
    /// The setup of a server.
    public struct Options: Sendable {
        /// The TCP port; nil for a free one.
        public var port: Int?
        /// The server's certificate. If set, the server also listens for TLS on another free port.
        public var tls: TestCertificates.Identity?
        /// Whether TLS clients must present a certificate from the same authority.
        public var requireClientCertificate: Bool
        /// The password of the user `default`.
        public var password: String?
        /// The number of databases.
        public var databases: Int
        /// Whether an append-only file preserves the data across ``RedisServer/restart(keepData:)`` and
        /// ``RedisServer/kill()``.
        public var persistent: Bool
        /// Additional lines for `redis.conf`.
        public var configuration: [String]

        /// Creates options. The defaults give a persistent server without TLS or password.
        public init(
            port: Int? = nil, tls: TestCertificates.Identity? = nil, requireClientCertificate: Bool = false,
            password: String? = nil, databases: Int = 16, persistent: Bool = true, configuration: [String] = []
        ) {
            self.port = port
            self.tls = tls
            self.requireClientCertificate = requireClientCertificate
            self.password = password
            self.databases = databases
            self.persistent = persistent
            self.configuration = configuration
        }
    }

    /// The TCP port on 127.0.0.1. It stays the same after a restart.
    public let port: Int
    /// The TLS port on 127.0.0.1; nil without ``Options/tls``.
    public let tlsPort: Int?
    private let options: Options
    private let executable: String
    private let process: ServerProcess

    /// The path of the Unix socket that the server also listens on.
    public var socketPath: String { process.folder.path + "/redis.sock" }

    /// `redis://[:password@]127.0.0.1:port/0`.
    public var url: String { url(database: 0) }

    /// `rediss://[:password@]localhost:port/0`; nil without ``Options/tls``.
    public var tlsURL: String? { tlsPort.map { "rediss://\(credentials)localhost:\($0)/0" } }

    /// The process id of the running server; nil while it is stopped.
    public var pid: Int32? { process.pid }

    /// The path of the server's log.
    public var log: String { process.log }

    /// The URL of one of the server's databases.
    public func url(database: Int) -> String { "redis://\(credentials)127.0.0.1:\(port)/\(database)" }

    /// Starts a server and waits until it answers PING.
    ///
    /// - Throws: ``TestKitError``: `missingProgram` if redis-server is not installed, `startFailed` with the end of the
    ///   server's log if it does not start.
    public static func start(_ options: Options = .init()) async throws -> RedisServer {
        let server = try RedisServer(options)
        try await server.launch()
        return server
    }

    private init(_ options: Options) throws {
        self.options = options
        executable = try Program.find("redis-server", install: "the package redis-server")
        port = try options.port ?? FreePort.take()
        tlsPort = options.tls == nil ? nil : try FreePort.take()
        process = try ServerProcess("redis")
    }

    /// Ends the server with SIGTERM and waits for it to end.
    ///
    /// - Parameter keepData: Whether to keep the data for ``restart(keepData:)``. Otherwise the folder is removed.
    public func stop(keepData: Bool = false) async {
        await process.stop(grace: .seconds(10))
        if !keepData { process.folder.remove() }
    }

    /// Ends the server with SIGKILL and waits for it to end. The data stays for ``restart(keepData:)``.
    public func kill() async {
        await process.kill()
    }

    /// Ends the server, unless it has already ended, and starts it again on the same ports.
    ///
    /// - Parameter keepData: Whether the server keeps its data.
    /// - Throws: As ``start(_:)``.
    public func restart(keepData: Bool = true) async throws {
        await process.stop(grace: .seconds(10))
        if !keepData { try? FileManager.default.removeItem(atPath: process.folder.path + "/data") }
        try await launch()
    }

    private var credentials: String {
        guard let password = options.password else { return "" }
        return ":\(password.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? password)@"
    }

    private func launch() async throws {
        guard socketPath.utf8.count < 108 else {
            throw TestKitError(.system, "\(socketPath) is too long for a Unix socket; set TMPDIR to a shorter path")
        }
        let configuration = process.folder.path + "/redis.conf"
        let data = process.folder.path + "/data"
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        try configurationLines(data: data).joined(separator: "\n")
            .write(toFile: configuration, atomically: true, encoding: .utf8)
        try await process.start(executable, [configuration], patience: .seconds(30)) { [port, options] pid in
            await Self.answers(port: port, pid: pid, password: options.password)
        }
    }

    /// Whether a server answers on a port, and is a process of ours. Another server may have taken the port before ours
    /// notices.
    static func answers(port: Int, pid: Int32, password: String? = nil) async -> Bool {
        let login = password.map { command("AUTH", $0) } ?? []
        let answer = await LoopbackSocket.ask(port: port, login + command("PING") + command("INFO", "server")) {
            String(decoding: $0, as: UTF8.self).contains("process_id:\(pid)\r\n")
        }
        return answer.map { String(decoding: $0, as: UTF8.self).contains("+PONG\r\n") } ?? false
    }

    private func configurationLines(data: String) -> [String] {
        var lines = [
            "bind 127.0.0.1", "port \(port)", "unixsocket \(Self.quoted(socketPath))", "dir \(Self.quoted(data))",
            "databases \(options.databases)", "save \"\"", "appendonly \(options.persistent ? "yes" : "no")",
            // Written data survives the end of the process without fsync; a machine crash does not matter here.
            "appendfsync no",
        ]
        if let password = options.password { lines.append("requirepass \(Self.quoted(password))") }
        if let tls = options.tls, let tlsPort {
            lines += [
                "tls-port \(tlsPort)", "tls-cert-file \(Self.quoted(tls.certificatePath))",
                "tls-key-file \(Self.quoted(tls.privateKeyPath))",
                "tls-ca-cert-file \(Self.quoted(tls.authorityPath))",
                "tls-auth-clients \(options.requireClientCertificate ? "yes" : "no")",
            ]
        }
        return lines + options.configuration + [""]
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"") + "\""
    }

    /// A command in its wire form.
    static func command(_ words: String...) -> [UInt8] { command(words) }

    /// A command in its wire form.
    static func command(_ words: [String]) -> [UInt8] {
        var text = "*\(words.count)\r\n"
        for word in words { text += "$\(word.utf8.count)\r\n\(word)\r\n" }
        return Array(text.utf8)
    }
}
