#if AMQP

internal import DequeModule

/// The deliveries of one channel that are not settled yet.
///
/// It keeps a settlement from being sent twice (RabbitMQ closes a channel that settles an unknown tag), and knows when
/// one acknowledgement may stand for all before it.
struct DeliveryWindow {
    /// One `basic.ack` to send.
    struct Acknowledgement: Equatable {
        var deliveryTag: UInt64
        var multiple: Bool
    }

    /// The tag that the first flag stands for.
    private var firstTag: UInt64 = 1
    /// From `firstTag` on: whether the delivery is not settled.
    private var isOutstanding = Deque<Bool>()

    /// How many flags are kept: the distance from the oldest unsettled delivery to the newest one.
    var span: Int { isOutstanding.count }

    /// Takes note of a delivery.
    ///
    /// - Throws: When its tag does not follow the one before: brokers count them from 1.
    mutating func delivered(_ tag: UInt64, needsSettlement: Bool) throws(AMQPError) {
        guard tag == firstTag + UInt64(isOutstanding.count) else {
            throw .violation("delivery tag \(tag) is out of order")
        }
        if needsSettlement {
            isOutstanding.append(true)
        } else if isOutstanding.isEmpty {
            firstTag += 1
        } else {
            isOutstanding.append(false)
        }
    }

    /// Settles one delivery.
    ///
    /// - Returns: Whether it was unsettled, so that the broker has to hear of it.
    mutating func settle(_ tag: UInt64) -> Bool {
        guard mark(tag) else { return false }
        dropSettled()
        return true
    }

    /// Settles deliveries by acknowledgement, and says how to tell the broker in as few methods as is right: `multiple`
    /// only up to a tag below which nothing else is unsettled. Tags that are unknown or settled are left out.
    mutating func acknowledge(_ tags: [UInt64]) -> [Acknowledgement] {
        let marked = tags.filter { mark($0) }
        dropSettled()
        let contiguous = marked.filter { $0 < firstTag }
        guard contiguous.count > 1, let last = contiguous.max() else {
            return marked.map { Acknowledgement(deliveryTag: $0, multiple: false) }
        }
        return [Acknowledgement(deliveryTag: last, multiple: true)]
            + marked.filter { $0 >= firstTag }.map { Acknowledgement(deliveryTag: $0, multiple: false) }
    }

    private mutating func mark(_ tag: UInt64) -> Bool {
        guard tag >= firstTag, tag - firstTag < UInt64(isOutstanding.count) else { return false }
        let index = Int(tag - firstTag)
        guard isOutstanding[index] else { return false }
        isOutstanding[index] = false
        return true
    }

    private mutating func dropSettled() {
        while isOutstanding.first == false {
            isOutstanding.removeFirst()
            firstTag += 1
        }
    }
}

#endif
