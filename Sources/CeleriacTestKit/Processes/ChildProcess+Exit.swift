import Foundation
import Glibc
import NIOConcurrencyHelpers

extension ChildProcess {
    /// Waits for a child's end on a thread of its own and remembers how it ended.
    final class Exit: Sendable {
        private struct State {
            var status: ExitStatus?
            var waiters: [CheckedContinuation<ExitStatus, Never>] = []
        }

        private let pid: pid_t
        private let ownSession: Bool
        private let state = NIOLockedValueBox(State())

        init(pid: pid_t, ownSession: Bool) {
            self.pid = pid
            self.ownSession = ownSession
        }

        var status: ExitStatus? { state.withLockedValue { $0.status } }

        /// Runs `body` if the child has not been reaped, which also means that its id has not been given to another.
        func whileRunning(_ body: () -> Void) {
            state.withLockedValue { if $0.status == nil { body() } }
        }

        func wait() async -> ExitStatus {
            await withCheckedContinuation { continuation in
                let status = state.withLockedValue { state in
                    if state.status == nil { state.waiters.append(continuation) }
                    return state.status
                }
                if let status { continuation.resume(returning: status) }
            }
        }

        func startWaiting(watched: Bool) {
            let thread = Thread { [self] in
                // Not reaped yet: until the lock is held, nobody else can be given this process id.
                var info = siginfo_t()
                while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
                let (status, waiters) = state.withLockedValue { state in
                    if ownSession { _ = Glibc.kill(-pid, SIGKILL) }
                    var word: Int32 = 0
                    while waitpid(pid, &word, 0) < 0, errno == EINTR {}
                    let status = ExitStatus(word: word)
                    state.status = status
                    defer { state.waiters = [] }
                    return (status, state.waiters)
                }
                if watched { Reaper.forget(pid: pid) }
                for waiter in waiters { waiter.resume(returning: status) }
            }
            thread.stackSize = 256 * 1024
            thread.start()
        }
    }
}
