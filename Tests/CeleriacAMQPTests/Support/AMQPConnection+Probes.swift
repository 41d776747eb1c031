#if AMQP

import NIOCore

@testable import CeleriacAMQP

extension AMQPConnection {
    /// How many publishes are held back on a channel.
    func heldCount(_ channel: AMQPChannel) -> Int { channels[Int(channel.number)]?.held.count ?? 0 }

    /// Sends bytes as they are.
    func inject(_ bytes: [UInt8]) {
        output.writeBytes(bytes)
        flush()
    }

    /// Breaks the socket, as a failing network does.
    func breakSocket() {
        transport?.close(promise: nil)
    }
}

#endif
