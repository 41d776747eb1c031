#if canImport(Glibc)
import Glibc
#endif

/// The file to which all processes of a run append, a line for each event. One `write` a line: a process that is killed
/// has written a line or has not.
struct Ledger: Sendable {
    struct Unusable: Error {}

    private let file: Int32

    init(path: String) throws {
        file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard file >= 0 else { throw Unusable() }
    }

    /// Notes what happens to a task, with the time of the machine's monotonic clock and this process's id.
    func note(_ event: String, _ task: String) {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let line = "\(time.tv_sec * 1_000_000_000 + time.tv_nsec) \(getpid()) \(event) \(task)\n"
        // A run without a ledger proves nothing.
        guard Array(line.utf8).withUnsafeBytes({ write(file, $0.baseAddress, $0.count) }) == line.utf8.count else {
            exit(74)
        }
    }
}
