#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacWire
import CeleryDialect
import CeleryWire
import Logging
import NIOPosix
import Testing

@Suite("Publishing to Redis", .timeLimit(.minutes(5)))
struct RedisPublishTests {
    @Test("names the message that Redis refused, and publishes the others once")
    func oneOfMany() async throws {
        let bench = try await RedisBench()
        _ = try await bench.redis.send(RedisCommand("HSET", "unacked", "tag", "[]"))
        let broker = try makeBroker(bench)
        let error = await #expect(throws: PartialPublishError.self) {
            try await broker.publish(["celery", "unacked", "celery"].map { message(to: $0) })
        }
        #expect(error?.refused.mapValues(\.code) == [1: .publishFailed])
        #expect(error?.unknown.isEmpty == true)
        #expect(try await bench.int(RedisCommand("LLEN", "celery")) == 2)
        await broker.close()
        await bench.close()
    }

    @Test("says plainly that a message was refused if it was the only one")
    func oneOfOne() async throws {
        let bench = try await RedisBench()
        _ = try await bench.redis.send(RedisCommand("HSET", "unacked", "tag", "[]"))
        let broker = try makeBroker(bench)
        let error = await #expect(throws: CeleriacError.self) { try await broker.publish([message(to: "unacked")]) }
        #expect(error?.code == .publishFailed)
        await broker.close()
        await bench.close()
    }

    @Test("leaves bodies as they are where body_encoding says so, but not what is no text")
    func bodyEncoding() async throws {
        let bench = try await RedisBench()
        var options = CeleryRedisOptions()
        options.bodyEncoding = .text
        let broker = CeleryRedisBroker(
            try RedisConfiguration(url: bench.url), options: options,
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: Logger(label: "test"))
        for body in [Array("[[\"\u{e9}\"], {}, {}]".utf8), [0xff, 0x00]] {
            try await broker.publish([OutgoingMessage(message: WireMessage(body: body), routingKey: "plain")])
            let payload = try await bench.redis.send(RedisCommand("RPOP", "plain")).bytes ?? []
            let envelope = try WireJSON.decode(payload)
            let text = String(validating: body, as: UTF8.self)
            #expect(envelope["body"]?.stringValue == text ?? "/wA=")
            let mark: WireValue = text == nil ? "base64" : .null
            #expect(envelope["properties"]?["body_encoding"] == mark)
        }
        await broker.close()
        await bench.close()
    }

    @Test("publishes a message to its list even if its queue cannot be declared")
    func undeclared() async throws {
        let bench = try await RedisBench()
        _ = try await bench.redis.send(RedisCommand("SET", "_kombu.binding.celery", "not a set"))
        let broker = try makeBroker(bench)
        var message = message(to: "celery")
        message.declaredQueue = "celery"
        try await broker.publish([message])
        #expect(try await bench.int(RedisCommand("LLEN", "celery")) == 1)
        await broker.close()
        await bench.close()
    }

    /// The table is as kombu writes it: routing key, pattern, queue.
    @Test("sends to a named exchange by kombu's bindings, and says which messages no queue is bound for")
    func exchanges() async throws {
        let bench = try await RedisBench()
        let mark = "\u{06}\u{16}"
        for (key, pattern, queue) in [
            ("a", "", "first"), ("a", "", "second"), ("b", "", "third"), ("c.*", #"^c\.[^\.]+$"#, "topic"),
        ] {
            _ = try await bench.redis.send(
                RedisCommand("SADD", "_kombu.binding.media", "\(key)\(mark)\(pattern)\(mark)\(queue)"))
        }
        let broker = try makeBroker(bench)
        func message(_ key: String) -> OutgoingMessage {
            OutgoingMessage(message: WireMessage(body: Array("[]".utf8)), exchange: "media", routingKey: key)
        }
        try await broker.publish([message("a")])
        let error = await #expect(throws: PartialPublishError.self) {
            try await broker.publish([self.message(to: "plain"), message("nobody"), message("c.x"), message("c.x.y")])
        }
        #expect(error?.refused.mapValues(\.code) == [1: .publishFailed, 3: .publishFailed])
        #expect(error?.refused[1]?.message == "no queue is bound to the exchange media for the routing key nobody")
        for (queue, count) in ["first": 1, "second": 1, "third": 0, "topic": 1, "plain": 1] {
            #expect(try await bench.int(RedisCommand("LLEN", queue)) == count, "\(queue)")
        }
        let alone = await #expect(throws: CeleriacError.self) { try await broker.publish([message("nobody")]) }
        #expect(alone?.code == .publishFailed)
        await broker.close()
        await bench.close()
    }

    @Test("binds a queue anew when Redis has lost its bindings")
    func lostBindings() async throws {
        let bench = try await RedisBench()
        let media = TaskQueue.Exchange("media", type: "topic")
        let broker = try makeBroker(bench, queues: [TaskQueue("video", exchange: media, routingKey: "video.#")])
        func message(_ key: String) -> OutgoingMessage {
            OutgoingMessage(
                message: WireMessage(body: Array("[]".utf8)), exchange: "media", routingKey: key,
                declaredQueue: "video")
        }
        try await broker.publish([message("video.cut")])
        _ = try await bench.redis.send(RedisCommand("FLUSHDB"))
        try await broker.publish([message("video.cut")])
        #expect(try await bench.int(RedisCommand("LLEN", "video")) == 1)
        let error = await #expect(throws: CeleriacError.self) { try await broker.publish([message("sound")]) }
        #expect(error?.code == .publishFailed)
        await broker.close()
        await bench.close()
    }

    @Test("refuses what an exchange of another type would lead, message by message, and serves no queue behind one")
    func otherExchanges() async throws {
        let bench = try await RedisBench()
        let documents = TaskQueue.Exchange("documents", type: "headers")
        let binding = TaskQueue.Binding(documents, arguments: ["x-match": "all", "kind": "pdf"])
        let queues = [TaskQueue("pdf", bindings: [binding]), TaskQueue("plain")]
        let broker = try makeBroker(bench, queues: queues)
        let body = WireMessage(body: Array("[[], {}, {}]".utf8))
        let messages = [
            OutgoingMessage(message: body, exchange: "documents", routingKey: "celery", declaredQueue: "pdf"),
            message(to: "plain"), OutgoingMessage(message: body, routingKey: "pdf", declaredQueue: "pdf"),
        ]
        let error = await #expect(throws: PartialPublishError.self) { try await broker.publish(messages) }
        #expect(error?.refused.mapValues(\.code) == [0: .unsupported, 2: .unsupported])
        let text = error?.refused[0]?.message ?? ""
        #expect(text.hasPrefix("the exchange documents is of type headers"), "\(text)")
        #expect(try await bench.int(RedisCommand("LLEN", "plain")) == 1)

        let pdf = ConsumerOptions(queues: ["pdf"], prefetch: 1, nodeName: "w@h")
        let refused = await #expect(throws: CeleriacError.self) { _ = try await broker.consume(pdf) }
        #expect(refused?.code == .configuration)
        let consumer = try await broker.consume(ConsumerOptions(queues: ["plain"], prefetch: 1, nodeName: "w@h"))
        let added = await #expect(throws: CeleriacError.self) { try await consumer.addQueue("pdf") }
        #expect(added?.code == .unsupported)
        await consumer.stop()
        try await consumer.close()
        #expect(try await bench.int(RedisCommand("EXISTS", "pdf", "_kombu.binding.documents")) == 0)
        await broker.close()
        await bench.close()
    }

    private func makeBroker(_ bench: RedisBench, queues: [TaskQueue] = []) throws -> CeleryRedisBroker {
        CeleryRedisBroker(
            try RedisConfiguration(url: bench.url), queues: QueueTable(queues),
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func message(to queue: String) -> OutgoingMessage {
        OutgoingMessage(message: WireMessage(body: Array("[[], {}, {}]".utf8)), routingKey: queue)
    }
}
#endif
