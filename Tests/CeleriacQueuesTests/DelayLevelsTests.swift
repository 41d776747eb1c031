#if AMQP
import CeleriacWire
import Testing

@testable import CeleriacQueues

@Suite("Delay levels") struct DelayLevelsTests {
    /// Whether a topic exchange would take a routing key for a pattern.
    private func matches(_ pattern: ArraySlice<Substring>, _ key: ArraySlice<Substring>) -> Bool {
        guard let word = pattern.first else { return key.isEmpty }
        if word == "#" {
            return matches(pattern.dropFirst(), key) || !key.isEmpty && matches(pattern, key.dropFirst())
        }
        guard let next = key.first, word == "*" || word == next else { return false }
        return matches(pattern.dropFirst(), key.dropFirst())
    }

    private func matches(_ pattern: String, _ key: String) -> Bool {
        func words(_ text: String) -> ArraySlice<Substring> {
            text.split(separator: ".", omittingEmptySubsequences: false)[...]
        }
        return matches(words(pattern), words(key))
    }

    /// How long a message with this key stays in the levels below and including `top`, in milliseconds.
    private func walk(_ key: String, from top: Int) throws -> Int64 {
        var (time, exchange): (Int64, String?) = (0, DelayLevels.name(top))
        for level in (0...top).reversed() {
            try #require(exchange == DelayLevels.name(level))
            let stays = matches(DelayLevels.pattern(level, stays: true), key)
            try #require(stays != matches(DelayLevels.pattern(level, stays: false), key))
            let arguments = DelayLevels.arguments(level)
            if stays { time += arguments["x-message-ttl"]?.int64Value ?? 0 }
            exchange = arguments["x-dead-letter-exchange"]?.stringValue
        }
        try #require(exchange == DelayLevels.end)
        return time
    }

    @Test("a message stays for its delay, and goes to its queue alone")
    func walks() throws {
        let queues = ["celery", "a.b", "a.*", "a.#", "#", "*", "a.%2A", "0.1", "1.#", "a..b", ".", "a.b.c", "ü.*"]
        var random = SystemRandomNumberGenerator()
        let delays =
            [1, 2, 3, 4, 600, 86_400, 1 << 27, 1 << 27 - 1, DelayLevels.longest]
            + (0..<50).map { Int.random(in: 1...max(1, DelayLevels.longest >> ($0 / 2)), using: &random) }
        for (place, delay) in delays.enumerated() {
            let queue = queues[place % queues.count]
            let key = try #require(DelayLevels.routingKey(delay: delay, queue: queue))
            let top = DelayLevels.top(of: delay)
            #expect(1 << top <= delay && delay < 1 << (top + 1))
            #expect(try walk(key, from: top) == Int64(delay) * 1000)
            #expect(queues.filter { matches(DelayLevels.pattern(of: $0), key) } == [queue])
        }
    }

    @Test("a delay ends before the time, and is no longer than the levels allow")
    func delays() {
        for seconds in [-1.0, 0, 0.9, 1.99, .nan, -.infinity] { #expect(DelayLevels.delay(before: seconds) == nil) }
        #expect(DelayLevels.delay(before: 2) == 1 && DelayLevels.delay(before: 2.9) == 1)
        #expect(DelayLevels.delay(before: 600.5) == 599)
        for seconds in [Double(DelayLevels.longest) + 1, 1e12, .infinity] {
            #expect(DelayLevels.delay(before: seconds) == DelayLevels.longest)
        }
    }

    @Test("a queue whose name leaves no room for the bits gets no routing key")
    func longNames() throws {
        let longest = String(repeating: "q", count: 199)
        #expect(DelayLevels.routingKey(delay: 5, queue: longest)?.utf8.count == 255)
        #expect(DelayLevels.last(before: longest).utf8.count <= 255)
        #expect(DelayLevels.routingKey(delay: 5, queue: longest + "q") == nil)
        // A wildcard takes three bytes.
        #expect(DelayLevels.routingKey(delay: 5, queue: String(repeating: "#", count: 67)) == nil)
    }

    @Test("the last queue gives messages the name of theirs as the routing key")
    func last() {
        let arguments = DelayLevels.lastArguments(before: "a.b")
        #expect(arguments["x-dead-letter-exchange"] == "" && arguments["x-dead-letter-routing-key"] == "a.b")
    }
}
#endif
