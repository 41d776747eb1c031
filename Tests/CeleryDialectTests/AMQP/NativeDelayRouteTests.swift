#if AMQP
import CeleriacCore
import CeleriacWire
import Testing

@testable import CeleryDialect

/// Which messages go through the levels of native delayed delivery, and by which keys.
@Suite("Native delay routes")
struct NativeDelayRouteTests {
    private static let media = TaskQueue.Exchange("media", type: "topic")
    private static let quorum: WireObject = ["x-queue-type": "quorum"]

    private func names(_ route: NativeDelayRoute?) -> [String]? { route?.queues.map(\.name) }

    @Test("A task for a queue behind a topic exchange, and its retry, go by the queue's key")
    func topic() {
        let table = QueueTable([
            TaskQueue("video", exchange: Self.media, routingKey: "video.import", arguments: Self.quorum)
        ])
        let sent = NativeDelayRoute(exchange: "media", routingKey: "video.import", in: table)
        #expect(names(sent) == ["video"] && sent?.key == "video.import")
        // A retry goes to its queue alone.
        let retry = NativeDelayRoute(exchange: "", routingKey: "video", in: table)
        #expect(retry == sent)
    }

    @Test("Any quorum queue of the application is enough, and none is too little")
    func quorumAnywhere() {
        let plain = TaskQueue("plain", exchange: Self.media, routingKey: "plain")
        let other = TaskQueue("other", exchange: "other", routingKey: "other", arguments: Self.quorum)
        let table = QueueTable([plain, other])
        #expect(names(NativeDelayRoute(exchange: "media", routingKey: "plain", in: table)) == ["plain"])
        #expect(NativeDelayRoute(exchange: "media", routingKey: "plain", in: QueueTable([plain])) == nil)
    }

    @Test("What goes to a direct exchange, or to nobody that is known, is sent at once")
    func atOnce() {
        let table = QueueTable([
            TaskQueue("direct", exchange: "direct", routingKey: "direct", arguments: Self.quorum),
            TaskQueue("video", exchange: Self.media, routingKey: "video"),
            TaskQueue("both", bindings: [TaskQueue.Binding("direct", routingKey: "both")]),
            .broadcast("everyone"),
        ])
        #expect(NativeDelayRoute(exchange: "", routingKey: "direct", in: table) == nil)
        #expect(NativeDelayRoute(exchange: "direct", routingKey: "direct", in: table) == nil)
        #expect(NativeDelayRoute(exchange: "media", routingKey: "unknown", in: table) == nil)
        #expect(NativeDelayRoute(exchange: "elsewhere", routingKey: "video", in: table) == nil)
        #expect(NativeDelayRoute(exchange: "everyone", routingKey: "celery", in: table) == nil)
        #expect(NativeDelayRoute(exchange: "", routingKey: "not known", in: table) == nil)
    }

    @Test("A task that others would get by the end of its key is sent at once")
    func sharedEnds() {
        let table = QueueTable([
            TaskQueue("eu", exchange: Self.media, routingKey: "eu.video", arguments: Self.quorum),
            TaskQueue("all", exchange: Self.media, routingKey: "video"),
            TaskQueue("sound", exchange: Self.media, routingKey: "sound"),
        ])
        #expect(NativeDelayRoute(exchange: "media", routingKey: "eu.video", in: table) == nil)
        #expect(names(NativeDelayRoute(exchange: "media", routingKey: "video", in: table)) == ["all"])
        #expect(names(NativeDelayRoute(exchange: "media", routingKey: "sound", in: table)) == ["sound"])
    }

    @Test("A key that leads to queues of two exchanges is sent at once")
    func sharedKeys() {
        let table = QueueTable([
            TaskQueue("one", exchange: Self.media, routingKey: "work", arguments: Self.quorum),
            TaskQueue("two", exchange: TaskQueue.Exchange("pictures", type: "topic"), routingKey: "work"),
        ])
        #expect(NativeDelayRoute(exchange: "media", routingKey: "work", in: table) == nil)
        #expect(NativeDelayRoute(exchange: "", routingKey: "one", in: table) == nil)
    }

    @Test("All queues whose patterns match get a task; a retry of one of them would go to them all, and does not")
    func patterns() {
        let table = QueueTable([
            TaskQueue("video", exchange: Self.media, routingKey: "video.#", arguments: Self.quorum),
            TaskQueue("hd", exchange: Self.media, routingKey: "video.*.hd"),
        ])
        #expect(names(NativeDelayRoute(exchange: "media", routingKey: "video.cut.hd", in: table)) == ["hd", "video"])
        #expect(names(NativeDelayRoute(exchange: "media", routingKey: "video.cut", in: table)) == ["video"])
        #expect(names(NativeDelayRoute(exchange: "", routingKey: "video", in: table)) == ["video"])
        #expect(NativeDelayRoute(exchange: "", routingKey: "hd", in: table) == nil)
    }

    @Test("A fanout exchange delays what all its queues get")
    func fanout() {
        let exchange = TaskQueue.Exchange("spread", type: "fanout")
        let table = QueueTable([
            TaskQueue("a", exchange: exchange, routingKey: "spread", arguments: Self.quorum),
            TaskQueue("b", exchange: exchange, routingKey: "spread"),
        ])
        #expect(names(NativeDelayRoute(exchange: "spread", routingKey: "spread", in: table)) == ["a", "b"])
        #expect(NativeDelayRoute(exchange: "", routingKey: "a", in: table) == nil)
    }

    @Test(
        "Patterns match as RabbitMQ compares them",
        arguments: [
            ("#.a.b", "0.1.a.b", true), ("#.a.b", "a.b", true), ("#.b", "a.b", true), ("#.b", "a.bb", false),
            ("*.b", "a.b", true), ("*.b", "a.a.b", false), ("a.#", "a", true), ("a.#.c", "a.c", true),
            ("a.#.c", "a.b.b.c", true), ("a.#.c", "a.b.b", false), ("#", "a.b", true), ("*", "a.b", false),
            ("#.*", "a", true), ("#.video.#", "1.video.#", true), ("a.b", "a.b", true), ("a.b", "a", false),
            ("a", "a.b", false),
        ])
    func topicPatterns(_ pattern: String, _ key: String, _ matches: Bool) {
        #expect(TopicPattern.matches(pattern, key) == matches)
    }
}
#endif
