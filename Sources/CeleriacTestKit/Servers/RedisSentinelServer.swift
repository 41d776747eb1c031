import Foundation

/// A private redis-sentinel on a free loopback port. With others it watches a primary, and replaces that by a replica a
/// second after it is gone.
///
/// It ends with ``stop()``, when the object is released, or when this process ends, even in a crash.
package final class RedisSentinelServer: Sendable {
    /// The TCP port on 127.0.0.1.
    package let port: Int
    private let process: ServerProcess

    /// The process id of the running sentinel; nil once it has ended.
    package var pid: Int32? { process.pid }

    /// The path of the sentinel's log.
    package var log: String { process.log }

    /// Starts a sentinel and waits until it answers PING. It finds the others and the replicas by the primary.
    ///
    /// - Parameters:
    ///   - primary: The server to watch.
    ///   - name: The primary's name.
    ///   - quorum: How many sentinels must agree that the primary is gone.
    ///   - password: The sentinel's own password, which all that watch the primary must share; nil for none.
    ///   - configuration: Additional lines for `sentinel.conf`.
    /// - Returns: The running sentinel.
    /// - Throws: As ``RedisServer/start(_:)``.
    package static func start(
        watching primary: RedisServer, as name: String, quorum: Int = 2, password: String? = nil,
        configuration: [String] = []
    ) async throws -> RedisSentinelServer {
        let executable = try Program.find("redis-server", install: "the package redis-server")
        let sentinel = try RedisSentinelServer()
        let login = password.map { ["requirepass \"\($0)\""] } ?? []
        // The sentinel writes into this file what it learns.
        let file = sentinel.process.folder.path + "/sentinel.conf"
        let lines =
            [
                "bind 127.0.0.1", "port \(sentinel.port)", "dir \"\(sentinel.process.folder.path)\"",
                "sentinel monitor \(name) 127.0.0.1 \(primary.port) \(quorum)",
                "sentinel down-after-milliseconds \(name) 1000", "sentinel failover-timeout \(name) 5000",
            ] + login + configuration + [""]
        try lines.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
        let port = sentinel.port
        try await sentinel.process.start(executable, [file, "--sentinel"], patience: .seconds(30)) { pid in
            await RedisServer.answers(port: port, pid: pid, password: password)
        }
        return sentinel
    }

    private init() throws {
        port = try FreePort.take()
        process = try ServerProcess("sentinel")
    }

    /// Ends the sentinel and waits for it to end.
    package func stop() async {
        await process.stop(grace: .seconds(10))
        process.folder.remove()
    }
}
