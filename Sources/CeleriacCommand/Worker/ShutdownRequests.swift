import NIOConcurrencyHelpers
import UnixSignals

/// What signals ask of a worker: first a warm shutdown, then a cold one, then its end. SIGQUIT asks for a cold one at once,
/// and SIGHUP for another start, unless the worker has a terminal, whose end it then tells of.
final class ShutdownRequests: Sendable {
    /// What is done about a signal, and the lines that tell of it.
    struct Action: Equatable {
        enum Kind { case nothing, stop, cancel, exit }
        var kind: Kind
        var lines: [String] = []
    }
    private enum Stage { case running, warm, cold }
    private let state = NIOLockedValueBox((stage: Stage.running, isRestart: false))
    private let isTerminal: Bool

    /// Makes a worker's requests.
    ///
    /// - Parameter isTerminal: whether the worker writes to a terminal.
    init(isTerminal: Bool) { self.isTerminal = isTerminal }

    /// How the worker has ended, if it has ended now. Without a signal, as by remote control, it ends warm.
    var ending: WorkerEnding {
        state.withLockedValue { state in
            if state.stage == .cold { return .cold }
            return state.isRestart ? .restart : .warm
        }
    }

    /// Notes a signal.
    func next(_ signal: UnixSignal) -> Action {
        state.withLockedValue { state in
            switch (state.stage, signal) {
            case (.running, .sigquit), (.warm, .sigterm), (.warm, .sigint), (.warm, .sigquit):
                state = (.cold, false)
                return Action(kind: .cancel, lines: ["worker: Cold shutdown (MainProcess)"])
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
            case (_, .sighup): return Action(kind: .nothing)
            case (.cold, _): return Action(kind: .exit)
            case (.warm, _): return Action(kind: .nothing)
            }
        }
    }
}
