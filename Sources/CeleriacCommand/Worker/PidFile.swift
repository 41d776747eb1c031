import Foundation
import Glibc

/// A file with the number of the process that holds it, as Celery writes it: a line.
struct PidFile: Sendable {
    /// Why a process does not get the file.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    /// The status of a program that ends because of this: EX_CANTCREAT.
    static let status: Int32 = 73

    /// The absolute path, since the process may change its folder.
    let path: String

    /// Takes the file for this process. One that no living process holds is removed first.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - say: is told that a file is removed.
    /// - Throws: ``Refusal`` if another process holds it, or it cannot be written.
    init(acquiring path: String, say: (String) -> Void = CommandEnvironment.say) throws(Refusal) {
        self.path = URL(fileURLWithPath: path).path
        // A file in its place must never be seen without its number.
        let temporary = "\(self.path).\(getpid())"
        guard FileManager.default.createFile(atPath: temporary, contents: Data("\(getpid())\n".utf8)) else {
            throw Refusal(description: "The pidfile \(path) cannot be written.")
        }
        chmod(temporary, 0o644)
        defer { unlink(temporary) }
        // Another process that starts may take the place that a stale file has left.
        for _ in 0..<10 {
            if link(temporary, self.path) == 0 { return }
            guard errno == EEXIST else {
                throw Refusal(
                    description: "The pidfile \(path) cannot be written: \(String(cString: strerror(errno))).")
            }
            try Self.removeStale(self.path, say: say)
        }
        throw Refusal(description: "The pidfile \(path) is taken again and again by others.")
    }

    /// Removes the file if this process holds it still.
    func release() {
        if Self.holder(of: path) == getpid() { unlink(path) }
    }

    private static func removeStale(_ path: String, say: (String) -> Void) throws(Refusal) {
        guard FileManager.default.fileExists(atPath: path) else { return }
        let pid = holder(of: path)
        // This process's own number is from before a restart of a container, where numbers begin again.
        if let pid, pid != getpid(), isAlive(pid) {
            throw Refusal(
                description: """
                    The pidfile \(path) already exists, and its process \(pid) is running. End that process first, or \
                    name another file.
                    """)
        }
        say(pid == nil ? "Removing the broken pidfile \(path)." : "Removing the stale pidfile \(path).")
        unlink(path)
    }

    /// The number in a file; nil if it has none.
    static func holder(of path: String) -> pid_t? {
        guard let content = FileManager.default.contents(atPath: path), content.count < 100 else { return nil }
        let text = String(decoding: content, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return pid_t(text).flatMap { $0 > 0 ? $0 : nil }
    }

    /// Whether a process runs, whoever it belongs to.
    private static func isAlive(_ pid: pid_t) -> Bool { kill(pid, 0) == 0 || errno == EPERM }
}
