#if Redis
import NIOConcurrencyHelpers

/// Counts events across several tasks.
final class Counter: Sendable {
    private let count = NIOLockedValueBox(0)

    var value: Int { count.withLockedValue { $0 } }

    func increment() { count.withLockedValue { $0 += 1 } }
}
#endif
