#if AMQP
import CeleriacCore
import CeleriacWire
import Testing

@testable import CeleryDialect

/// The names, keys and arguments of native delayed delivery. All values were made by kombu 5.7's own functions.
@Suite("Native delays")
struct NativeDelayTests {
    @Test(
        "The routing key is that of kombu",
        arguments: [
            (1, "a.b", "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.a.b"),
            (2, "a.b", "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.a.b"),
            (3, "a.b", "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.1.a.b"),
            (10, "a.b", "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.1.0.a.b"),
            (86_400, "a.b", "0.0.0.0.0.0.0.0.0.0.0.1.0.1.0.1.0.0.0.1.1.0.0.0.0.0.0.0.a.b"),
            (268_435_455, "a.b", "1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.a.b"),
            (5, "1.0.a.b", "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.1.1.0.a.b"),
            // A key that a delay before has left.
            (
                5, "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.1.a.b",
                "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.1.a.b"
            ),
        ])
    func routingKey(_ delay: Int, _ key: String, _ expected: String) {
        #expect(NativeDelay.routingKey(delay: delay, key: key) == expected)
    }

    @Test("A key that does not fit, or is empty, gives none")
    func impossibleKeys() {
        #expect(NativeDelay.routingKey(delay: 1, key: "") == nil)
        #expect(NativeDelay.routingKey(delay: 1, key: String(repeating: "k", count: 199))?.utf8.count == 255)
        #expect(NativeDelay.routingKey(delay: 1, key: String(repeating: "k", count: 200)) == nil)
    }

    @Test("Delays are whole seconds, of which the levels have 28 bits")
    func delays() {
        #expect(NativeDelay.delay(before: 0.9) == nil)
        #expect(NativeDelay.delay(before: -5) == nil)
        #expect(NativeDelay.delay(before: .nan) == nil)
        #expect(NativeDelay.delay(before: 1) == 1)
        #expect(NativeDelay.delay(before: 3.9) == 3)
        // A countdown of four, a moment later.
        #expect(NativeDelay.delay(before: 3.999) == 4)
        #expect(NativeDelay.delay(before: 1e300) == 268_435_455)
        #expect(NativeDelay.delay(before: .infinity) == 268_435_455)
    }

    @Test("The levels are declared with kombu's arguments and bound with its keys")
    func levels() {
        let levels = Set(NativeDelay.levels(.quorum))
        // 29 exchanges, 28 queues, and the bindings of each to its exchange and of each exchange to the one above.
        #expect(levels.count == 113 && NativeDelay.levels(.quorum).count == 113)
        let expected: [NativeDelay.Declaration] = [
            .exchange("celery_delayed_27"), .exchange("celery_delayed_0"), .exchange("celery_delayed_delivery"),
            .queue(
                "celery_delayed_27",
                arguments: [
                    "x-queue-type": "quorum", "x-overflow": "reject-publish", "x-message-ttl": 134_217_728_000,
                    "x-dead-letter-exchange": "celery_delayed_26", "x-dead-letter-strategy": "at-least-once",
                ]),
            .queue(
                "celery_delayed_0",
                arguments: [
                    "x-queue-type": "quorum", "x-overflow": "reject-publish", "x-message-ttl": 1_000,
                    "x-dead-letter-exchange": "celery_delayed_delivery",
                    "x-dead-letter-strategy": "at-least-once",
                ]),
            .queueBinding("celery_delayed_27", exchange: "celery_delayed_27", routingKey: "1.#"),
            .queueBinding("celery_delayed_26", exchange: "celery_delayed_26", routingKey: "*.1.#"),
            .exchangeBinding("celery_delayed_26", source: "celery_delayed_27", routingKey: "0.#"),
            .exchangeBinding(
                "celery_delayed_10", source: "celery_delayed_11", routingKey: "*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.0.#"),
            .exchangeBinding(
                "celery_delayed_delivery", source: "celery_delayed_0",
                routingKey: "*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.0.#"),
        ]
        #expect(levels.isSuperset(of: expected))
    }

    @Test("Levels of classic queues lack the strategy")
    func classicLevels() {
        let levels = NativeDelay.levels(.classic)
        #expect(levels.count == 113)
        #expect(
            levels.contains(
                .queue(
                    "celery_delayed_26",
                    arguments: [
                        "x-queue-type": "classic", "x-overflow": "reject-publish", "x-message-ttl": 67_108_864_000,
                        "x-dead-letter-exchange": "celery_delayed_25",
                    ])))
    }

    @Test(
        "A queue is bound by the end of the key, with the pattern that it has",
        arguments: [("video.import", "#.video.import"), ("#", "#"), ("#.x", "#.x"), ("celery", "#.celery")])
    func bindings(_ key: String, _ pattern: String) {
        let queue = TaskQueue("q", exchange: TaskQueue.Exchange("media", type: "topic"), routingKey: key)
        #expect(
            NativeDelay.bindings(of: queue) == [
                .exchangeBinding("media", source: "celery_delayed_delivery", routingKey: pattern),
                .queueBinding("q", exchange: "media", routingKey: pattern),
            ])
    }

    @Test("What Python's clients delay for an exchange of headers comes there, to whom the headers match")
    func headers() {
        let exchange = TaskQueue.Exchange("media", type: "headers")
        var queue = TaskQueue("q", exchange: exchange, routingKey: "k")
        #expect(
            NativeDelay.bindings(of: queue) == [
                .exchangeBinding("media", source: "celery_delayed_delivery", routingKey: "#.k")
            ])
        queue.isAutoDeleted = true
        #expect(NativeDelay.bindings(of: queue) == [])
    }

    @Test("Queues of direct exchanges and of one worker's own are not bound")
    func unbound() {
        for type in ["direct", "x-random"] {
            let exchange = TaskQueue.Exchange("media", type: type)
            #expect(NativeDelay.bindings(of: TaskQueue("q", exchange: exchange, routingKey: "k")) == [])
        }
        #expect(NativeDelay.bindings(of: .broadcast("everyone")) == [])
        #expect(NativeDelay.bindings(of: "q") == [])
    }
}
#endif
