#if AMQP

internal import DequeModule

/// The unsettled deliveries of one channel.
///
/// It keeps a settlement from being sent twice, since RabbitMQ closes a channel that settles an unknown tag, and knows
/// when one acknowledgement may cover all deliveries before it.
struct DeliveryWindow {
    /// One `basic.ack` to send.
    struct Acknowledgement: Equatable {
        var deliveryTag: UInt64
        var multiple: Bool
    }

    /// The tag of the first flag.
    private var firstTag: UInt64 = 1
    /// For each tag from `firstTag` on, whether the delivery is unsettled.
    private var isOutstanding = Deque<Bool>()

    /// How many flags are stored: the distance from the oldest unsettled delivery to the newest one.
    var span: Int { isOutstanding.count }

    /// Records a delivery.
    ///
    /// - Throws: A protocol violation if its tag does not follow the previous one: brokers count tags from 1.
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
    /// - Returns: Whether it was unsettled, so that the broker must be told.
    mutating func settle(_ tag: UInt64) -> Bool {
        guard mark(tag) else { return false }
        dropSettled()
        return true
    }

    /// Acknowledges deliveries, and returns the fewest methods that tell the broker correctly: `multiple` is used only
    /// up to a tag below which nothing else is unsettled. Unknown and settled tags are ignored.
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
