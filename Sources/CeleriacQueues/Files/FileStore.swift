package import CeleriacCore
import FoundationEssentials
import Glibc
import NIOPosix

/// Blocking file operations for transports, results and state that live in folders.
///
/// They never follow a link and never open a pipe or a device, since anybody may put one into a shared folder. Call
/// them inside ``blocking(_:)``, because a disk may be slow.
package enum FileStore {
    /// Runs blocking file operations away from event loops and the concurrency pool.
    package static func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value
    {
        do {
            return try await NIOThreadPool.singleton.runIfActive(body)
        } catch {
            if error is CeleriacError || error is PartialPublishError { throw error }
            throw CeleriacError(.unavailable, "a file operation failed", cause: error)
        }
    }

    /// Checks that a name from outside can serve as a file name.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` if the name is empty, too long or leads out of the folder.
    package static func validateName(_ name: String) throws(CeleriacError) {
        guard !name.isEmpty, name.utf8.count <= 200, !name.contains("/"), !name.contains("\0"), name != ".",
            name != ".."
        else {
            throw CeleriacError(.unsupported, "a name cannot be a file name: it is empty, too long or has a slash")
        }
    }

    /// The names in a folder, ascending.
    package static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    /// Creates a folder, and its parent folders, where they do not exist.
    package static func makeFolder(_ path: String) throws(CeleriacError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw CeleriacError(.unavailable, "cannot create \(path)", cause: error)
        }
    }

    /// Checks that files can be made in a folder.
    package static func checkWritable(_ folder: String) throws(CeleriacError) {
        guard access(folder, W_OK | X_OK) == 0 else { throw failure("use", folder) }
    }

    /// Whether a file or folder exists.
    package static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// The content of a file, or nil if there is none. Anything else under that name is refused, including links:
    /// opening a pipe blocks, and a device may have no end.
    package static func read(_ path: String) throws(CeleriacError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("read", path)
        }
        defer { close(descriptor) }
        return try read(descriptor: descriptor, path)
    }

    /// The content of an open file from its current position.
    package static func read(descriptor: Int32, _ path: String) throws(CeleriacError) -> [UInt8] {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("read", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw CeleriacError(.unsupported, "cannot read \(path): it is not a file")
        }
        // What a reader's own limits refuse, they refuse with the true reason, which is more than this one knows. This is
        // as much as Redis has in one value.
        let limit = 512 << 20
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return content }
            if count > 0 {
                content.append(contentsOf: chunk.prefix(count))
                guard content.count <= limit else {
                    throw CeleriacError(.unsupported, "cannot read \(path): it has more than \(limit) bytes")
                }
            } else if errno != EINTR {
                throw failure("read", path)
            }
        }
    }

    /// Writes a file under a temporary name, flushes it to disk and renames it into place, so that nobody sees half of
    /// it.
    package static func write(_ bytes: [UInt8], to path: String, temporaryName: String) throws(CeleriacError) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        let temporary = folder + temporaryName
        do {
            try writeAndFlush(bytes, to: temporary)
            try move(temporary, to: path)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Writes to an open file.
    ///
    /// - Returns: how many bytes it has taken, and the `errno` that kept it from taking the rest; 0 if it has taken all.
    package static func write(_ bytes: ArraySlice<UInt8>, descriptor: Int32) -> (count: Int, failure: Int32) {
        bytes.withUnsafeBytes { buffer -> (count: Int, failure: Int32) in
            var written = 0
            while written < buffer.count {
                let count = Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
                if count > 0 {
                    written += count
                } else if count == 0 || errno != EINTR {
                    return (written, count == 0 ? EIO : errno)
                }
            }
            return (written, 0)
        }
    }

    /// Removes temporary files that processes left behind which ended while they wrote them: those with such a name as
    /// Celeriac gives them that have not changed for five minutes. A writer that is slower fails, and tries again.
    package static func sweep(_ folder: String) {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return }
        for name in names where isTemporary(name) {
            if let seconds = age(of: folder + "/" + name), seconds > 300 { unlink(folder + "/" + name) }
        }
    }

    /// Whether a file has the name of a temporary file: `.<id>.tmp` or `.<time>_<id>.tmp`.
    private static func isTemporary(_ name: String) -> Bool {
        guard name.hasPrefix("."), name.hasSuffix(".tmp"), name.utf8.count > 5 else { return false }
        let parts = name.dropFirst().dropLast(4).split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count <= 2, let id = parts.last, id.utf8.count == 36, UUID(uuidString: String(id)) != nil else {
            return false
        }
        return parts.count == 1 || Int64(parts[0]) != nil
    }

    private static func writeAndFlush(_ bytes: [UInt8], to path: String) throws(CeleriacError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("create", path) }
        defer { close(descriptor) }
        let refusal = write(bytes[...], descriptor: descriptor).failure
        guard refusal == 0 else {
            errno = refusal
            throw failure("write", path)
        }
        guard fsync(descriptor) == 0 else { throw failure("flush", path) }
    }

    /// Renames a file, replacing any file with the new name.
    package static func move(_ source: String, to target: String) throws(CeleriacError) {
        guard rename(source, target) == 0 else { throw failure("rename", source) }
    }

    /// Moves a file unless somebody else has moved it first.
    ///
    /// - Returns: whether it was moved.
    package static func claim(_ source: String, as target: String) throws(CeleriacError) -> Bool {
        if rename(source, target) == 0 { return true }
        if errno == ENOENT { return false }
        throw failure("claim", source)
    }

    /// Removes a file, or a folder if it is empty.
    package static func remove(_ path: String) throws(CeleriacError) {
        guard Glibc.remove(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    /// Removes an empty folder.
    package static func removeFolder(_ path: String) throws(CeleriacError) {
        guard rmdir(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    /// Milliseconds since the machine started.
    package static func monotonicMilliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Takes a lock file and holds it while the returned descriptor is open. Returns nil while another process holds
    /// the lock.
    package static func lock(_ path: String) throws(CeleriacError) -> Int32? {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o644)
        guard descriptor >= 0 else { throw failure("create", path) }
        // Whoever held the lock may have removed the file since it was opened: then this is not the lock of others.
        var (opened, named) = (stat(), stat())
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0, fstat(descriptor, &opened) == 0, stat(path, &named) == 0,
            opened.st_ino == named.st_ino
        {
            return descriptor
        }
        close(descriptor)
        return nil
    }

    /// Releases a lock that ``lock(_:)`` took.
    package static func unlock(_ descriptor: Int32) { close(descriptor) }

    /// The time since a file last changed, in seconds; nil if there is no such file.
    package static func age(of path: String) -> Double? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let changed = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
        return Date().timeIntervalSince1970 - changed
    }

    /// The error of a system call that just failed.
    package static func failure(_ action: String, _ path: String) -> CeleriacError {
        CeleriacError(.unavailable, "cannot \(action) \(path): \(String(cString: strerror(errno)))")
    }
}
