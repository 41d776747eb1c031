import Glibc
import NIOConcurrencyHelpers

/// Ends everything that this process started, however this process ends.
///
/// A small shell process holds one end of a socket, and this process holds the other. When the kernel closes our end,
/// even after a crash or `SIGKILL`, the shell kills every process group and removes every folder that it was told
/// about. (`PR_SET_PDEATHSIG` would fire when the *thread* that spawned the child ends, and the threads of a Swift
/// program come and go.)
enum Reaper {
    private static let script = """
        trap '' HUP INT QUIT TERM
        IFS='
        '
        pids= folders=
        while IFS=' ' read -r verb value; do
            case $verb in
                pid) pids="$pids
        $value" ;;
                gone)
                    kept=
                    for pid in $pids; do
                        [ "$pid" = "$value" ] || kept="$kept
        $pid"
                    done
                    pids=$kept ;;
                folder) folders="$folders
        $value" ;;
            esac
        done
        for pid in $pids; do kill -KILL "-$pid"; done
        for folder in $folders; do
            tries=0
            while [ -e "$folder" ] && [ $tries -lt 20 ]; do
                rm -rf -- "$folder" || sleep 0.1
                tries=$((tries + 1))
            done
        done
        """

    /// The shell process. Its standard input is the lifeline; it inherits nothing else.
    static let shared = Result<Line, TestKitError> { () throws(TestKitError) in try Line() }

    /// Registers a process group to kill in the end.
    static func watch(pid: pid_t) { send("pid \(pid)") }

    /// Unregisters a process that has ended by itself.
    static func forget(pid: pid_t) { send("gone \(pid)") }

    /// Registers a folder to remove in the end.
    static func watch(folder: String) throws(TestKitError) {
        _ = try shared.get()
        send("folder \(folder)")
    }

    private static func send(_ line: String) {
        if case .success(let reaper) = shared { reaper.send(line) }
    }
}

extension Reaper {
    /// The socket to the shell process.
    final class Line: Sendable {
        private let process: ChildProcess
        private let lock = NIOLockedValueBox(())

        init() throws(TestKitError) {
            process = try ChildProcess(reaper: "/bin/sh", ["-c", Reaper.script])
        }

        func send(_ line: String) {
            let bytes = Array((line + "\n").utf8)
            // A line is far smaller than the socket's buffer, so it is written whole. A dead shell must not raise
            // SIGPIPE.
            lock.withLockedValue { _ in _ = Glibc.send(process.socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
        }
    }
}
