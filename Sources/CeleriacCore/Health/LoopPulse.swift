import Synchronization

/// Whether a worker's loop runs, as far as its answers show. Somebody looks about once a second, and then asks the loop for an
/// answer, unless the last one is still to come.
struct LoopPulse: Sendable {
    /// How long the loop may leave the question unanswered.
    static let patience = Duration.seconds(10)
    private let patience: Duration
    /// For how long the loop may go on with the messages of one delivery. Every wait in it ends long before, also when a
    /// server is frozen.
    static let workPatience = Duration.seconds(600)

    /// Since when an answer is to come; nil if none is.
    private var asked: ContinuousClock.Instant?
    private var steps: UInt64 = 0
    /// Since when the loop has been at the same step of its work; nil if it is not at work.
    private var working: ContinuousClock.Instant?

    init(patience: Duration = Self.patience) { self.patience = patience }

    /// Looks.
    ///
    /// - Parameters:
    ///   - steps: how far the loop has come: ``LoopProgress/steps``.
    ///   - now: the time.
    /// - Returns: whether the loop is to be asked now.
    mutating func look(_ steps: UInt64, at now: ContinuousClock.Instant) -> Bool {
        let isAtWork = !steps.isMultiple(of: 2)
        if !isAtWork {
            working = nil
        } else if working == nil || steps != self.steps {
            working = now
        }
        self.steps = steps
        guard asked == nil else { return false }
        asked = now
        return true
    }

    /// Notes that the loop has answered.
    mutating func answered() { asked = nil }

    /// Why the process should be replaced; nil while it is well.
    func reason(at now: ContinuousClock.Instant) -> String? {
        if let asked, asked.duration(to: now) >= patience {
            return "the worker's loop has not run for \(Int(asked.duration(to: now).seconds)) s"
        }
        if let working, working.duration(to: now) >= Self.workPatience {
            return "the worker has been taking in the same messages for \(Int(working.duration(to: now).seconds)) s"
        }
        return nil
    }
}

/// Counts the steps of a worker's loop: an odd number while it takes in messages, an even one while it waits for some.
package final class LoopProgress: Sendable {
    private let count = Atomic<UInt64>(0)

    package init() {}

    /// How many steps the loop has taken.
    var steps: UInt64 { count.load(ordering: .relaxed) }

    /// Notes that the loop begins or ends to take in messages.
    func turn() { count.wrappingAdd(1, ordering: .relaxed) }

    /// Notes that it goes on with the next message.
    func step() { count.wrappingAdd(2, ordering: .relaxed) }
}
