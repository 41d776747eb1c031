import NIOConcurrencyHelpers

/// Asks a server whether it answers. However many want to know, one question is under way at a time, and its answer holds for
/// a second: whoever checks health often, or means harm, costs the server nothing.
final class ReachQuestion: Sendable {
    private final class Round: Sendable {
        let begin = ContinuousClock.now
        let isOver = Gate()
        /// Why the server cannot be used; nil if it can.
        let reason = NIOLockedValueBox<String?>(nil)
    }
    private static let lifetime = Duration.seconds(1)

    private let name: String
    private let executor: any TaskExecutor
    private let ask: @Sendable () async throws -> Void
    private let latest = NIOLockedValueBox<Round?>(nil)

    /// Makes a question.
    ///
    /// - Parameters:
    ///   - name: the server's name, without credentials.
    ///   - executor: where the question is asked.
    ///   - ask: asks; it throws why the server cannot be used.
    init(_ name: String, on executor: any TaskExecutor, ask: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.executor = executor
        self.ask = ask
    }

    /// Why the server cannot be used now; nil if it can.
    ///
    /// - Parameters:
    ///   - patience: how long an answer may take. One that takes longer is a reason.
    ///   - timers: where the caller takes its timers from.
    /// - Returns: the reason.
    func reason(within patience: Duration, timers: any TimerSource) async -> String? {
        let round = current()
        let left = patience - round.begin.duration(to: .now)
        if left > .zero { await round.isOver.wait(atMost: left, timers: timers) }
        guard round.isOver.isOpen else {
            let seconds = (max(patience, round.begin.duration(to: .now)).seconds * 10).rounded() / 10
            return "\(name) has not answered for \(seconds) s"
        }
        return round.reason.withLockedValue { $0 }
    }

    private static func text(of error: any Error) -> String {
        guard let error = error as? CeleriacError else { return "\(error)" }
        return error.cause.map { "\(error.message) (\($0))" } ?? error.message
    }

    /// The round that is under way, or the last one if its answer still holds, else a new one.
    private func current() -> Round {
        let (round, isNew) = latest.withLockedValue { latest -> (Round, Bool) in
            if let latest, !latest.isOver.isOpen || latest.begin.duration(to: .now) < Self.lifetime {
                return (latest, false)
            }
            let round = Round()
            latest = round
            return (round, true)
        }
        if isNew {
            Task(executorPreference: executor) { [ask] in
                do {
                    try await ask()
                } catch {
                    let text = String(Self.text(of: error).prefix(500))
                    round.reason.withLockedValue { $0 = text }
                }
                round.isOver.open()
            }
        }
        return round
    }
}
