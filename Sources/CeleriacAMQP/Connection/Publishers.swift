#if AMQP

/// A connection's shared confirm channels.
struct Publishers {
    enum Kind {
        /// For the default exchange, which always exists.
        case toQueues
        /// For named exchanges: the broker closes the channel on which one is named that does not exist, and everything
        /// that is in flight on it fails.
        case toExchanges
    }

    struct Shared {
        var channel: AMQPChannel?
        /// Who waits for it to be opened.
        var waiters: [Waiter] = []
    }

    private var toQueues = Shared()
    private var toExchanges = Shared()

    subscript(kind: Kind) -> Shared {
        get {
            switch kind {
            case .toQueues: toQueues
            case .toExchanges: toExchanges
            }
        }
        set {
            switch kind {
            case .toQueues: toQueues = newValue
            case .toExchanges: toExchanges = newValue
            }
        }
    }
}

#endif
