#if AMQP

import CeleriacWire
import NIOCore
import Testing

@testable import CeleriacAMQP

struct MethodTests {
    private func write(_ method: ClientMethod, frameMax: Int = 4096) throws(AMQPError) -> [UInt8] {
        var out = ByteBuffer()
        try FrameWriter(pool: CodecPool(), frameMax: frameMax).write(method, channel: 5, to: &out)
        return Array(out.readableBytesView)
    }

    private func read(_ classID: Int, _ methodID: Int, _ arguments: [UInt8] = []) throws -> ServerMethod {
        try (Bytes.u16(classID) + Bytes.u16(methodID) + arguments).withUnsafeBytes {
            try MethodReader(pool: CodecPool()).read($0).1
        }
    }

    private let arguments: WireObject = ["k": .int(1)]
    private let argumentBytes = Bytes.table(Bytes.short("k") + [UInt8(ascii: "I"), 0, 0, 0, 1])

    @Test("Connection and channel methods are written as specified")
    func writesConnection() throws {
        #expect(
            try write(.connectionStartOk(properties: arguments, mechanism: "PLAIN", response: [0, 97, 0, 98]))
                == Bytes.method(
                    10, 11, channel: 5,
                    argumentBytes + Bytes.short("PLAIN") + Bytes.u32(4) + [0, 97, 0, 98] + Bytes.short("en_US")))
        #expect(
            try write(.connectionTuneOk(channelMax: 2047, frameMax: 131_072, heartbeat: 60))
                == Bytes.method(10, 31, channel: 5, Bytes.u16(2047) + Bytes.u32(131_072) + Bytes.u16(60)))
        #expect(
            try write(.connectionOpen(virtualHost: "/"))
                == Bytes.method(10, 40, channel: 5, Bytes.short("/") + Bytes.short("") + [0]))
        #expect(
            try write(.connectionClose(code: 200, text: "bye"))
                == Bytes.method(10, 50, channel: 5, Bytes.u16(200) + Bytes.short("bye") + Bytes.u32(0)))
        #expect(try write(.connectionCloseOk) == Bytes.method(10, 51, channel: 5))
        #expect(try write(.channelOpen) == Bytes.method(20, 10, channel: 5, Bytes.short("")))
        #expect(try write(.channelFlowOk(active: true)) == Bytes.method(20, 21, channel: 5, [1]))
        #expect(
            try write(.channelClose(code: 200, text: ""))
                == Bytes.method(20, 40, channel: 5, Bytes.u16(200) + Bytes.short("") + Bytes.u32(0)))
        #expect(try write(.channelCloseOk) == Bytes.method(20, 41, channel: 5))
        #expect(try write(.confirmSelect) == Bytes.method(85, 10, channel: 5, [0]))
    }

    @Test("Exchange and queue methods are written as specified")
    func writesTopology() throws {
        #expect(
            try write(
                .exchangeDeclare(
                    exchange: "e", type: "topic", passive: true, durable: false, autoDelete: true, isInternal: false,
                    arguments: arguments))
                == Bytes.method(
                    40, 10, channel: 5,
                    Bytes.u16(0) + Bytes.short("e") + Bytes.short("topic") + [0b00101] + argumentBytes))
        #expect(
            try write(.exchangeDelete(exchange: "e", ifUnused: true))
                == Bytes.method(40, 20, channel: 5, Bytes.u16(0) + Bytes.short("e") + [1]))
        let binding = Bytes.short("d") + Bytes.short("s") + Bytes.short("r")
        #expect(
            try write(.exchangeBind(destination: "d", source: "s", routingKey: "r", arguments: arguments))
                == Bytes.method(40, 30, channel: 5, Bytes.u16(0) + binding + [0] + argumentBytes))
        #expect(
            try write(.exchangeUnbind(destination: "d", source: "s", routingKey: "r", arguments: arguments))
                == Bytes.method(40, 40, channel: 5, Bytes.u16(0) + binding + [0] + argumentBytes))
        #expect(
            try write(
                .queueDeclare(
                    queue: "q", passive: false, durable: true, exclusive: false, autoDelete: true,
                    arguments: arguments))
                == Bytes.method(50, 10, channel: 5, Bytes.u16(0) + Bytes.short("q") + [0b01010] + argumentBytes))
        #expect(
            try write(.queueBind(queue: "d", exchange: "s", routingKey: "r", arguments: [:]))
                == Bytes.method(50, 20, channel: 5, Bytes.u16(0) + binding + [0] + Bytes.table([])))
        #expect(
            try write(.queueUnbind(queue: "d", exchange: "s", routingKey: "r", arguments: [:]))
                == Bytes.method(50, 50, channel: 5, Bytes.u16(0) + binding + Bytes.table([])))
        #expect(
            try write(.queuePurge(queue: "q"))
                == Bytes.method(50, 30, channel: 5, Bytes.u16(0) + Bytes.short("q") + [0]))
        #expect(
            try write(.queueDelete(queue: "q", ifUnused: false, ifEmpty: true))
                == Bytes.method(50, 40, channel: 5, Bytes.u16(0) + Bytes.short("q") + [0b010]))
    }

    @Test("Basic methods are written as specified")
    func writesBasic() throws {
        #expect(
            try write(.basicQos(prefetchCount: 300, global: true))
                == Bytes.method(60, 10, channel: 5, Bytes.u32(0) + Bytes.u16(300) + [1]))
        #expect(
            try write(
                .basicConsume(queue: "q", consumerTag: "c", noAck: true, exclusive: false, arguments: arguments))
                == Bytes.method(
                    60, 20, channel: 5, Bytes.u16(0) + Bytes.short("q") + Bytes.short("c") + [0b0010] + argumentBytes))
        #expect(
            try write(.basicCancel(consumerTag: "c")) == Bytes.method(60, 30, channel: 5, Bytes.short("c") + [0]))
        #expect(
            try write(.basicPublish(exchange: "", routingKey: "q", mandatory: true))
                == Bytes.method(60, 40, channel: 5, Bytes.u16(0) + Bytes.short("") + Bytes.short("q") + [1]))
        #expect(
            try write(.basicGet(queue: "q", noAck: true))
                == Bytes.method(60, 70, channel: 5, Bytes.u16(0) + Bytes.short("q") + [1]))
        #expect(
            try write(.basicAck(deliveryTag: 258, multiple: true))
                == Bytes.method(60, 80, channel: 5, Bytes.u64(258) + [1]))
        #expect(
            try write(.basicReject(deliveryTag: 1, requeue: true))
                == Bytes.method(60, 90, channel: 5, Bytes.u64(1) + [1]))
        #expect(
            try write(.basicNack(deliveryTag: 1, multiple: false, requeue: true))
                == Bytes.method(60, 120, channel: 5, Bytes.u64(1) + [0b10]))
    }

    @Test("Names of 255 bytes fit everywhere")
    func longest() throws {
        let name = String(repeating: "n", count: 255)
        let methods: [ClientMethod] = [
            .connectionStartOk(properties: arguments, mechanism: name, response: [UInt8](repeating: 0, count: 600)),
            .connectionOpen(virtualHost: name), .connectionClose(code: 200, text: name),
            .channelClose(code: 200, text: name),
            .exchangeDeclare(
                exchange: name, type: name, passive: false, durable: true, autoDelete: false, isInternal: false,
                arguments: arguments),
            .exchangeDelete(exchange: name, ifUnused: false),
            .exchangeBind(destination: name, source: name, routingKey: name, arguments: arguments),
            .exchangeUnbind(destination: name, source: name, routingKey: name, arguments: arguments),
            .queueDeclare(
                queue: name, passive: false, durable: true, exclusive: false, autoDelete: false, arguments: arguments),
            .queueBind(queue: name, exchange: name, routingKey: name, arguments: arguments),
            .queueUnbind(queue: name, exchange: name, routingKey: name, arguments: arguments),
            .queuePurge(queue: name), .queueDelete(queue: name, ifUnused: false, ifEmpty: false),
            .basicConsume(queue: name, consumerTag: name, noAck: false, exclusive: false, arguments: arguments),
            .basicCancel(consumerTag: name), .basicPublish(exchange: name, routingKey: name, mandatory: false),
            .basicGet(queue: name, noAck: false),
        ]
        for method in methods { #expect(try write(method).count > 255) }
    }

    @Test("Names over 255 bytes and arguments over a frame are refused, and nothing is written")
    func tooLong() {
        let long = String(repeating: "ä", count: 128)
        for method in [
            ClientMethod.basicPublish(exchange: long, routingKey: "", mandatory: false),
            .basicPublish(exchange: "", routingKey: long, mandatory: false), .queuePurge(queue: long),
            .basicConsume(
                queue: "q", consumerTag: "", noAck: false, exclusive: false,
                arguments: ["k": .string(String(repeating: "x", count: 5000))]),
        ] {
            let error = #expect(throws: AMQPError.self) { try write(method) }
            #expect(error?.code == .invalidMessage)
            #expect(error?.nothingSent == true)
        }
    }

    static let close = Bytes.u16(406) + Bytes.short("PRECONDITION_FAILED") + Bytes.u16(50) + Bytes.u16(10)

    @Test("The broker's methods are read")
    func reads() throws {
        #expect(
            try read(10, 10, [0, 9] + argumentBytes + Bytes.long("AMQPLAIN PLAIN") + Bytes.long("en_US"))
                == .connectionStart(version: [0, 9], properties: arguments, mechanisms: ["AMQPLAIN", "PLAIN"]))
        #expect(
            try read(10, 30, Bytes.u16(1) + Bytes.u32(131_072) + Bytes.u16(60))
                == .connectionTune(channelMax: 1, frameMax: 131_072, heartbeat: 60))
        #expect(
            try read(10, 50, Self.close)
                == .connectionClose(CloseReason(code: 406, text: "PRECONDITION_FAILED", method: "queue.declare")))
        #expect(try read(10, 60, Bytes.short("low on memory")) == .connectionBlocked(reason: "low on memory"))
        #expect(try read(10, 61) == .connectionUnblocked)
        #expect(try read(20, 20, [0]) == .channelFlow(active: false))
        #expect(
            try read(20, 40, Bytes.u16(404) + Bytes.short("x") + Bytes.u32(0))
                == .channelClose(CloseReason(code: 404, text: "x", method: nil)))
        #expect(
            try read(50, 11, Bytes.short("q") + Bytes.u32(7) + Bytes.u32(2))
                == .queueDeclareOk(queue: "q", messageCount: 7, consumerCount: 2))
        #expect(try read(50, 31, Bytes.u32(7)) == .queuePurgeOk(messageCount: 7))
        #expect(try read(50, 41, Bytes.u32(7)) == .queueDeleteOk(messageCount: 7))
        #expect(try read(60, 21, Bytes.short("c")) == .basicConsumeOk(consumerTag: "c"))
        #expect(try read(60, 30, Bytes.short("c") + [1]) == .basicCancel(consumerTag: "c"))
        #expect(
            try read(60, 50, Bytes.u16(312) + Bytes.short("NO_ROUTE") + Bytes.short("e") + Bytes.short("r"))
                == .basicReturn(code: 312, text: "NO_ROUTE", exchange: "e", routingKey: "r"))
        #expect(
            try read(60, 60, Bytes.short("c") + Bytes.u64(9) + [1] + Bytes.short("e") + Bytes.short("r"))
                == .basicDeliver(consumerTag: "c", deliveryTag: 9, redelivered: true, exchange: "e", routingKey: "r"))
        #expect(
            try read(60, 71, Bytes.u64(9) + [0] + Bytes.short("e") + Bytes.short("r") + Bytes.u32(3))
                == .basicGetOk(deliveryTag: 9, redelivered: false, exchange: "e", routingKey: "r", messageCount: 3))
        #expect(try read(60, 80, Bytes.u64(9) + [1]) == .basicAck(deliveryTag: 9, multiple: true))
        #expect(try read(60, 120, Bytes.u64(9) + [0]) == .basicNack(deliveryTag: 9, multiple: false))
        #expect(try read(60, 72, Bytes.short("")) == .plain(.basicGetEmpty))
        #expect(try read(85, 11) == .plain(.confirmSelectOk))
    }

    @Test("Truncated arguments are refused")
    func truncated() {
        let methods: [(Int, Int, [UInt8])] = [
            (10, 10, [0, 9] + argumentBytes + Bytes.long("PLAIN") + Bytes.long("en_US")),
            (10, 30, Bytes.u64(0)), (10, 50, Self.close), (20, 40, Self.close),
            (50, 11, Bytes.short("q") + Bytes.u64(0)),
            (60, 50, Bytes.u16(312) + Bytes.short("N") + Bytes.short("e") + Bytes.short("r")),
            (60, 60, Bytes.short("c") + Bytes.u64(9) + [1] + Bytes.short("e") + Bytes.short("r")),
            (60, 71, Bytes.u64(9) + [0] + Bytes.short("e") + Bytes.short("r") + Bytes.u32(3)),
            (60, 80, Bytes.u64(9) + [1]),
        ]
        for (classID, methodID, arguments) in methods {
            for end in 0..<arguments.count {
                #expect(throws: AMQPError.self) { try read(classID, methodID, Array(arguments[..<end])) }
            }
        }
        for end in 0..<4 {
            #expect(throws: AMQPError.self) {
                try [UInt8](repeating: 0, count: end).withUnsafeBytes {
                    _ = try MethodReader(pool: CodecPool()).read($0)
                }
            }
        }
    }

    @Test("Methods that only clients send, and unknown ones, are refused without decoding")
    func notAServers() {
        let bomb = Bytes.u16(0) + Bytes.short("q") + [0] + Bytes.nestedTables(5000)
        for (classID, methodID) in [(50, 10), (60, 20), (10, 11), (60, 40), (90, 10), (0, 0), (60, 110)] {
            #expect(throws: AMQPError.self) { try read(classID, methodID, bomb) }
        }
    }

    @Test("Nested tables in the broker's properties are refused")
    func nestedServerProperties() {
        let bomb = [0, 9] + Bytes.nestedTables(5000) + Bytes.long("PLAIN") + Bytes.long("en_US")
        #expect(throws: AMQPError.self) { try read(10, 10, bomb) }
    }

    @Test("Method names are those of AMQP")
    func names() {
        #expect(MethodID.queueDeclareOk.name == "queue.declare-ok")
        #expect(MethodID.basicGetEmpty.name == "basic.get-empty")
        #expect(MethodID.connectionClose.name == "connection.close")
    }
}

#endif
