import NIOCore

/// Counts, from the bytes of an AMQP connection, the deliveries that its client had not settled when it ended. Those of
/// consumers without acknowledgements do not count.
enum UnsettledDeliveries {
    private struct Tag: Hashable {
        let channel: UInt16
        let tag: UInt64
    }

    private struct Consumer: Hashable {
        let channel: UInt16
        let tag: String
    }

    /// - Parameters:
    ///   - sent: what the client has sent on the connection.
    ///   - received: what it has been sent.
    /// - Returns: how many deliveries it had and had not settled.
    static func count(sent: [UInt8], received: [UInt8]) -> Int {
        var unacknowledged: Set<Consumer> = []
        var settlements: [(channel: UInt16, tag: UInt64, isMultiple: Bool)] = []
        // The client's bytes begin with the protocol header, which is no frame.
        AMQPMethods.forEach(in: sent.dropFirst(8)) { channel, method, arguments in
            switch method {
            case (60, 20):  // basic.consume
                arguments.moveReaderIndex(forwardBy: 2)
                guard readShortString(from: &arguments) != nil, let tag = readShortString(from: &arguments),
                    let bits = arguments.readInteger(as: UInt8.self), bits & 2 != 0
                else { return }
                unacknowledged.insert(Consumer(channel: channel, tag: tag))
            case (60, 80), (60, 90), (60, 120):  // basic.ack, basic.reject, basic.nack
                guard let tag = arguments.readInteger(as: UInt64.self),
                    let bits = arguments.readInteger(as: UInt8.self)
                else { return }
                settlements.append((channel, tag, method.1 != 90 && bits & 1 != 0))
            default: break
            }
        }
        var open: Set<Tag> = []
        AMQPMethods.forEach(in: received[...]) { channel, method, arguments in
            guard method == (60, 60), let consumer = readShortString(from: &arguments),
                let tag = arguments.readInteger(as: UInt64.self),
                !unacknowledged.contains(Consumer(channel: channel, tag: consumer))
            else { return }
            open.insert(Tag(channel: channel, tag: tag))
        }
        for (channel, tag, isMultiple) in settlements {
            open.remove(Tag(channel: channel, tag: tag))
            guard isMultiple else { continue }
            open = open.filter { $0.channel != channel || $0.tag > tag }
        }
        return open.count
    }

    private static func readShortString(from buffer: inout ByteBuffer) -> String? {
        buffer.readInteger(as: UInt8.self).flatMap { buffer.readString(length: Int($0)) }
    }
}
