import NIOConcurrencyHelpers
import UnixSignals

/// What signals ask of a worker: first a warm shutdown, then a cold one, then its end. SIGQUIT asks for a cold one at once,
/// and SIGHUP for another start, unless the worker has a terminal, whose end it then tells of. SIGTERM asks for a warm
/// shutdown however often it comes, as at Celery: who manages processes may send it again.
///
/// A cold shutdown may begin softly, as `worker_soft_shutdown_timeout` says: then the tasks that run have that long.
final class ShutdownRequests: Sendable {
    /// What is done about a signal, and the lines that tell of it.
    struct Action: Equatable {
        /// `soften` stops the worker, and cancels what runs once the time for that is over.
        enum Kind { case nothing, stop, soften, cancel, exit }
        var kind: Kind
        var lines: [String] = []
    }
    /// How a cold shutdown begins.
    struct Softness {
        /// For how many seconds tasks run on; 0 to cancel them at once.
        var timeout = Duration.zero
        /// Whether the worker stays as long if no task runs: `worker_enable_soft_shutdown_on_idle`.
        var isForIdle = false
    }
    private enum Stage { case running, warm, soft, cold }
    private let state = NIOLockedValueBox((stage: Stage.running, isRestart: false))
    private let isTerminal: Bool
    private let softness: Softness
    private let remapsTermination: Bool

    /// Makes a worker's requests.
    ///
    /// - Parameters:
    ///   - isTerminal: whether the worker writes to a terminal.
    ///   - softness: how a cold shutdown begins.
    ///   - remapsTermination: whether SIGTERM asks for what SIGQUIT does, as at Celery with the variable `REMAP_SIGTERM`.
    init(isTerminal: Bool, softness: Softness = Softness(), remapsTermination: Bool = false) {
        self.isTerminal = isTerminal
        self.softness = softness
        self.remapsTermination = remapsTermination
    }

    /// How the worker has ended, if it has ended now. Without a signal, as by remote control, it ends warm.
    var ending: WorkerEnding {
        state.withLockedValue { state in
            switch state.stage {
            case .soft, .cold: .cold
            case .running, .warm: state.isRestart ? .restart : .warm
            }
        }
    }

    /// Whether the process stays until the time of a soft shutdown is over, although the worker has ended.
    var lingers: Bool { softness.isForIdle && state.withLockedValue { $0.stage == .soft } }

    /// Notes a signal.
    ///
    /// - Parameters:
    ///   - signal: the signal.
    ///   - isBusy: whether any task runs.
    /// - Returns: what to do.
    func next(_ signal: UnixSignal, isBusy: Bool = true) -> Action {
        let signal: UnixSignal = remapsTermination && signal == .sigterm ? .sigquit : signal
        return state.withLockedValue { state in
            switch (state.stage, signal) {
            case (.running, .sigquit), (.warm, .sigint), (.warm, .sigquit):
                guard softness.timeout > .zero, isBusy || softness.isForIdle else {
                    state = (.cold, false)
                    return Action(kind: .cancel, lines: [Self.cold])
                }
                state = (.soft, false)
                return Action(
                    kind: .soften, lines: ["worker: Hitting Ctrl+C again will terminate all running tasks!"])
            case (.running, .sighup) where !isTerminal:
                state = (.warm, true)
                return Action(kind: .stop, lines: ["worker: Restarting (MainProcess)"])
            case (.running, .sigint):
                state.stage = .warm
                let hint = "worker: Ctrl+C once more cancels the tasks that run"
                return Action(kind: .stop, lines: ["worker: Warm shutdown (MainProcess)", hint])
            case (.running, _):
                state.stage = .warm
                return Action(kind: .stop, lines: ["worker: Warm shutdown (MainProcess)"])
            case (.warm, .sigterm):
                // Whoever wants its end does not want it to start again.
                state.isRestart = false
                return Action(kind: .nothing)
            case (.soft, .sigint), (.soft, .sigquit):
                state.stage = .cold
                let waiting = "Waiting gracefully for cold shutdown to complete..."
                return Action(kind: .cancel, lines: [waiting, Self.cold])
            case (_, .sighup): return Action(kind: .nothing)
            case (.cold, _): return Action(kind: .exit)
            case (.warm, _), (.soft, _): return Action(kind: .nothing)
            }
        }
    }

    /// Notes that the time of a soft shutdown is over, or that the worker has ended before. It is cold from now on.
    func softShutdownIsOver() -> Action {
        state.withLockedValue { state in
            guard state.stage == .soft else { return Action(kind: .nothing) }
            state.stage = .cold
            return Action(kind: .cancel, lines: [Self.cold])
        }
    }

    private static let cold = "worker: Cold shutdown (MainProcess)"
}
