import Glibc
import NIOConcurrencyHelpers

/// Ends what this process started, however this process ends.
///
/// A small shell process holds one end of a socket of which this process holds the other. When the kernel closes
/// ours, after a crash or `SIGKILL` too, the shell kills every process group that it was told of and removes every
/// folder. (`PR_SET_PDEATHSIG` would fire when the *thread* that spawned the child ends, and the threads of a Swift
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

    /// The shell process. Its standard input is the life line; it inherits nothing else.
    static let shared = Result<Line, TestKitError> { () throws(TestKitError) in try Line() }

    /// Tells of a process group to kill in the end.
    static func watch(pid: pid_t) { send("pid \(pid)") }

    /// Tells that a process has ended by itself.
    static func forget(pid: pid_t) { send("gone \(pid)") }

    /// Tells of a folder to remove in the end.
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
            // A line is far smaller than the socket's buffer: it is written whole. A dead shell must not raise SIGPIPE.
            lock.withLockedValue { _ in _ = Glibc.send(process.socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
        }
    }
}
