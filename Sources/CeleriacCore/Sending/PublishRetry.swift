import Logging

/// How a client publishes again while the broker is out of reach: kombu's retry policy.
///
/// Only what the broker cannot have taken is published again. If a connection is lost while an answer is awaited, the
/// message may have arrived, and the sender gets the error: a task must not run twice because nobody was told.
package struct PublishRetry: Sendable, Hashable {
    /// How often it is tried again at most; 0 for never, nil for as long as it takes.
    package var maximumRetries: Int?
    /// The pause before the first retry.
    package var start: Duration
    /// By how much each pause is longer than the one before it.
    package var step: Duration
    /// By how much pauses become longer at most.
    package var maximum: Duration

    /// Makes a policy, by default Celery's.
    package init(
        maximumRetries: Int? = 3, start: Duration = .zero, step: Duration = .milliseconds(200),
        maximum: Duration = .seconds(1)
    ) {
        self.maximumRetries = maximumRetries
        self.start = start
        self.step = step
        self.maximum = maximum
    }

    /// Never.
    package static let never = PublishRetry(maximumRetries: 0)

    /// The pause before the next retry, after so many; nil if there is none.
    func pause(after retries: Int) -> Duration? {
        if let maximumRetries, retries >= maximumRetries { return nil }
        guard step > .zero else { return start }
        // Pauses that would be longer than the longest are as long as the last one before.
        let steps = min(Double(retries), (maximum / step).rounded(.down))
        return Duration(clampedSeconds: start.seconds + step.seconds * max(0, steps))
    }

    /// Publishes, and again as often as the policy says.
    ///
    /// - Parameters:
    ///   - timers: where the pauses come from.
    ///   - logger: tells of each retry.
    ///   - publish: publishes once.
    /// - Throws: the last error of `publish`; `CancellationError` if the caller's task is cancelled in a pause, when nothing
    ///   has arrived.
    func run(timers: any TimerSource, logger: Logger, _ publish: () async throws -> Void) async throws {
        var retries = 0
        while true {
            do {
                return try await publish()
            } catch let error as CeleriacError where error.hasNotArrived {
                guard let pause = self.pause(after: retries) else { throw error }
                logger.warning(
                    "the broker is out of reach, publishing again",
                    metadata: ["error": "\(error)", "seconds": "\(pause.seconds)", "retries": "\(retries)"])
                // However often it may, it does not do so without a pause.
                let rest = retries > 0 ? max(pause, .milliseconds(10)) : pause
                if rest > .zero { try await timers.sleep(for: rest) }
                retries += 1
            }
        }
    }
}

extension CeleriacError {
    /// Whether a publication may succeed later and has not arrived yet, as far as its transport knows.
    fileprivate var hasNotArrived: Bool {
        code == .unavailable && (cause as? any TransportError)?.mayHaveArrived != true && !comesOfCancellation
    }
}
