import CSpawn
import Foundation
import Glibc
import NIOConcurrencyHelpers
import Synchronization

/// A program that runs as a child of this process.
///
/// It is spawned with default signal dispositions, an empty signal mask and none of our descriptors but its standard
/// streams (a server that inherited our sockets would keep them open after we closed them). A dedicated thread waits
/// for its end. Foundation's `Process` can give the child neither its own session nor the terminal's foreground group.
package final class ChildProcess: Sendable {
    /// The target of a standard stream of the child.
    package enum Stream: Sendable {
        /// `/dev/null`.
        case null
        /// The same stream of this process.
        case inherit
        /// This file, which is created if it is missing. Output is appended.
        case file(String)
        /// The child's end of a socket pair; this process reads and writes the other end, ``ChildProcess/socket``.
        case socket
    }

    /// The child's process id, which is also its process group and session if it has its own.
    package let pid: Int32
    /// This process's end of the socket pair if a stream is ``Stream/socket``; otherwise -1. It is closed with the
    /// object.
    package let socket: Int32
    private let ownSession: Bool
    private let exit: Exit

    /// Spawns a program.
    ///
    /// - Parameters:
    ///   - executable: The path of the program.
    ///   - arguments: The program's arguments, without its name.
    ///   - environment: All of the program's environment variables; nil for those of this process.
    ///   - input: The target of its standard input.
    ///   - output: The target of its standard output.
    ///   - error: The target of its standard error.
    ///   - ownSession: Whether the child leads its own session, so that the terminal's signals do not reach it. When it
    ///     ends, the rest of its process group is killed. If this process ends first, for any reason, the ``Reaper``
    ///     kills the group.
    /// - Throws: ``TestKitError`` with code `system`.
    package convenience init(
        _ executable: String, _ arguments: [String], environment: [String: String]? = nil,
        input: Stream = .null, output: Stream = .null, error: Stream = .null, ownSession: Bool = true
    ) throws(TestKitError) {
        if ownSession { _ = try Reaper.shared.get() }
        try self.init(
            unwatched: executable, arguments, environment: environment, streams: [input, output, error],
            ownSession: ownSession)
        if ownSession { Reaper.watch(pid: pid) }
        exit.startWaiting(watched: ownSession)
    }

    /// Spawns a program that outlives this process: the reaper, with its input connected to a socket.
    convenience init(reaper executable: String, _ arguments: [String]) throws(TestKitError) {
        try self.init(
            unwatched: executable, arguments, environment: nil, streams: [.socket, .null, .null], ownSession: true)
        exit.startWaiting(watched: false)
    }

    private init(
        unwatched executable: String, _ arguments: [String], environment: [String: String]?, streams: [Stream],
        ownSession: Bool
    ) throws(TestKitError) {
        self.ownSession = ownSession
        (pid, socket) = try Self.spawn(
            [executable] + arguments, environment: environment ?? ProcessInfo.processInfo.environment,
            streams: streams, ownSession: ownSession)
        exit = Exit(pid: pid, ownSession: ownSession)
    }

    deinit {
        if socket >= 0 { close(socket) }
    }

    /// How the child ended; nil while it is running.
    package var status: ExitStatus? { exit.status }

    /// Suspends until the child has ended.
    @discardableResult
    package func wait() async -> ExitStatus {
        await exit.wait()
    }

    /// Sends a signal to the child. Does nothing once the child has ended.
    package func signal(_ signal: Int32) {
        exit.whileRunning { _ = Glibc.kill(pid, signal) }
    }

    /// Kills the child, and its process group if it leads one, and waits for the child to end.
    package func kill() async {
        exit.whileRunning {
            _ = Glibc.kill(ownSession ? -pid : pid, SIGKILL)
        }
        await wait()
    }

    /// Asks the child to end with `signal`, kills it if it has not ended after `grace`, and waits for it to end.
    package func stop(by signal: Int32 = SIGTERM, grace: Duration) async {
        self.signal(signal)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask {
                // Cancellation means that the child has ended, or that the caller no longer wants to wait.
                try? await Task.sleep(for: grace)
                if self.status == nil { await self.kill() }
            }
            await group.next()
            group.cancelAll()
        }
    }

    private static func spawn(
        _ command: [String], environment: [String: String], streams: [Stream], ownSession: Bool
    ) throws(TestKitError) -> (pid: Int32, socket: Int32) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }

        celeriac_spawn_set_signals(&attributes, ownSession ? celeriac_spawn_setsid : 0)

        var pair: [Int32] = [-1, -1]
        let wantsSocket = streams.contains { if case .socket = $0 { true } else { false } }
        if wantsSocket {
            let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            guard socketpair(AF_UNIX, type, 0, &pair) == 0 else { throw .system("socketpair", errno: errno) }
        }
        defer { if wantsSocket { close(pair[1]) } }
        for (descriptor, stream) in zip(Int32(0)..., streams) {
            switch stream {
            case .null: posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
            case .inherit: posix_spawn_file_actions_adddup2(&actions, descriptor, descriptor)
            case .file(let path):
                posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            case .socket: posix_spawn_file_actions_adddup2(&actions, pair[1], descriptor)
            }
        }
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)

        var argv = command.map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var pid = pid_t()
        let code = posix_spawn(&pid, command[0], &actions, &attributes, &argv, &envp)
        guard code == 0 else {
            if wantsSocket { close(pair[0]) }
            throw .system("cannot run \(command[0])", errno: code)
        }
        return (pid, pair[0])
    }
}

extension ChildProcess {
    /// Waits for a child's end on a dedicated thread and remembers how it ended.
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

        /// Runs `body` if the child has not been reaped, so that its id cannot belong to another process.
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
                // The child is not reaped yet. Until this holds the lock, no other process can get the child's id.
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

/// How a child process ended.
package enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
    /// The child ended by itself with this status.
    case exited(Int32)
    /// This signal ended the child.
    case signalled(Int32)

    /// Whether the child ended by itself with status 0.
    package var isSuccess: Bool { self == .exited(0) }

    /// The status that a shell would report: 128 + the number of the signal for a signalled child.
    package var shellStatus: Int32 {
        switch self {
        case .exited(let status): status
        case .signalled(let signal): 128 + signal
        }
    }

    package var description: String {
        switch self {
        case .exited(let status): "status \(status)"
        case .signalled(let signal): "signal \(signal)"
        }
    }

    /// Decodes the status word of `waitpid`.
    init(word: Int32) {
        let signal = word & 0x7f
        self = signal == 0 ? .exited((word >> 8) & 0xff) : .signalled(signal)
    }
}
