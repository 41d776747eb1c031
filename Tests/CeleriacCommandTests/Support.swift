import CeleriacTestKit
import Foundation
import Testing

/// Helpers for several suites of this target.
enum Support {
    /// The `celeriac` executable, which the build puts next to the tests.
    static var celeriac: String {
        get throws {
            let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let path = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("celeriac").path
            try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) has not been built")
            return path
        }
    }

    /// Whether a process exists and is not a zombie.
    static func isRunning(_ pid: Int32) -> Bool {
        guard let stat = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return false }
        // "pid (name) state …": the name may contain anything, so the state follows the last parenthesis.
        let text = String(decoding: stat, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return false }
        let state = text[end...].dropFirst(2).first
        return state != "Z" && state != "X"
    }

    /// Writes the file of a bridge that needs no servers: its route `wall` takes what lies in the folder `outside`.
    ///
    /// - Returns: the file's path.
    static func bridgeFile(in folder: TemporaryFolder) throws -> String {
        for name in ["outside", "results", "control"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
        }
        let file = """
            ends:
              outside:
                dialect: celery
                broker: "filesystem://\(folder.path)/outside"
                results: "file://\(folder.path)/results"
                control_folder: "\(folder.path)/control"
                queue: outside
              inside: {dialect: celery, broker: "memory://", results: "file://\(folder.path)/results"}
            routes:
              - {name: wall, from: outside, to: inside}

            """
        let path = "\(folder.path)/bridge.yaml"
        try Data(file.utf8).write(to: URL(filePath: path))
        return path
    }

    /// Calls `body` with the path of a file of this content, which is gone afterwards.
    static func withFile<Value>(
        _ content: String, named name: String = "celery.yaml", _ body: (String) throws -> Value
    ) throws -> Value {
        let folder = try TemporaryFolder("file")
        defer { folder.remove() }
        let path = "\(folder.path)/\(name)"
        try Data(content.utf8).write(to: URL(filePath: path))
        return try body(path)
    }

    static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    /// Sends one line to a Redis server and returns the first line of the reply.
    static func redis(_ port: Int, _ line: String) async -> String? {
        let answer = await LoopbackSocket.ask(port: port, Array((line + "\r\n").utf8)) { $0.suffix(2) == [13, 10] }
        return answer.map { String(decoding: $0.dropLast(2), as: UTF8.self) }
    }
}
