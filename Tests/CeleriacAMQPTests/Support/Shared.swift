#if AMQP

import NIOConcurrencyHelpers

/// A value that several tasks share.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: NIOLockedValueBox<Value>

    init(_ value: Value) {
        mutex = NIOLockedValueBox(value)
    }

    var value: Value {
        get { mutex.withLockedValue { $0 } }
        set { mutex.withLockedValue { $0 = newValue } }
    }

    func change(_ body: @Sendable (inout Value) -> Void) { mutex.withLockedValue { body(&$0) } }
}

#endif
