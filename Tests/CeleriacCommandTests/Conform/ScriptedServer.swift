import CeleriacWire
import NIOConcurrencyHelpers

@testable import CeleriacTool

/// A broker and result store in memory.
final class ScriptedServer: LiveBroker, LiveStore {
    private struct State {
        var values: [String: WireValue] = [:]
        var queues: [String: [[UInt8]]] = [:]
        var heard: [String: [[UInt8]]] = [:]
        var worker: ScriptedTestee?
    }

    private let state = NIOLockedValueBox(State())

    /// Tells a testee of each message that is sent.
    func attach(_ testee: ScriptedTestee) { state.withLockedValue { $0.worker = testee } }

    func set(_ key: String, to value: WireValue) { state.withLockedValue { $0.values[key] = value } }

    func send(_ message: LiveMessage, to queue: String) async throws {
        let bytes = try message.envelope(exchange: "", key: queue)
        let seen = try LiveView.of(bytes)
        let worker = state.withLockedValue { state in
            state.queues[queue, default: []].append(bytes)
            return state.worker
        }
        worker?.received(seen)
    }

    func broadcast(_ message: LiveMessage, exchange: String, key: String) async throws {
        let bytes = try message.envelope(exchange: exchange, key: key)
        let seen = try LiveView.of(bytes)
        let worker = state.withLockedValue { state in
            state.heard[exchange, default: []].append(bytes)
            return state.worker
        }
        worker?.received(seen)
    }

    func receive(_ queue: String, first: Bool) async throws -> WireValue? {
        try state.withLockedValue { Self.next(queue, in: &$0.queues) }.map { try LiveView.of($0) }
    }

    func bind(_ queue: String, exchange: String, key: String) async throws {}

    func listen(to exchange: String) async throws { state.withLockedValue { $0.heard[exchange] = [] } }

    func hear(_ exchange: String) async throws -> WireValue? {
        try state.withLockedValue { Self.next(exchange, in: &$0.heard) }.map { try LiveView.of($0) }
    }

    func clear(_ queues: [String]) async throws {
        state.withLockedValue { state in
            for queue in queues { state.queues[queue] = nil }
            state.heard = [:]
        }
    }

    func close() async {}

    func command(_ words: [[UInt8]]) async throws -> WireValue {
        let texts = words.map { String(decoding: $0, as: UTF8.self) }
        switch (texts.first, texts.count) {
        case ("GET", 2):
            guard let value = state.withLockedValue({ $0.values[texts[1]] }) else { return .null }
            return .string(String(decoding: try WireJSON.encode(value, style: .python), as: UTF8.self))
        case ("SETEX", 4):
            set(texts[1], to: try WireJSON.decode(words[3]))
            return "OK"
        case ("EXISTS", 2): return state.withLockedValue { $0.values[texts[1]] == nil ? 0 : 1 }
        case ("DEL", _): return 0
        default: throw ConformanceError("the scripted server has no command \(texts.first ?? "")")
        }
    }

    func subscribe(_ channel: String) async throws {}

    func told(_ channel: String) async -> [UInt8]? { nil }

    private static func next(_ name: String, in messages: inout [String: [[UInt8]]]) -> [UInt8]? {
        guard let first = messages[name]?.first else { return nil }
        messages[name]?.removeFirst()
        return first
    }
}

/// A testee that answers questions, and receives messages, as a closure says.
final class ScriptedTestee: LiveTestee {
    typealias Behaviour = @Sendable (ScriptedTestee, WireValue, ScriptedServer) -> WireValue?

    private let server: ScriptedServer
    private let behaviour: Behaviour
    private let answers = NIOLockedValueBox<[[UInt8]]>([])
    private let status = NIOLockedValueBox<Int32?>(nil)

    init(server: ScriptedServer, behaviour: @escaping Behaviour) {
        self.server = server
        self.behaviour = behaviour
    }

    var exitStatus: Int32? { status.withLockedValue { $0 } }

    /// Ends it with a status.
    func end(with status: Int32) { self.status.withLockedValue { $0 = status } }

    /// Tells it of a message.
    func received(_ message: WireValue) { _ = behaviour(self, message, server) }

    func ask(_ question: [UInt8]) {
        guard let value = try? WireJSON.decode(question), let answer = behaviour(self, value, server),
            let line = try? WireJSON.encode(answer)
        else { return }
        answers.withLockedValue { $0.append(line) }
    }

    /// Prints a line of its own accord.
    func say(_ line: String) { answers.withLockedValue { $0.append(Array(line.utf8)) } }

    func answer() -> [UInt8]? { answers.withLockedValue { $0.isEmpty ? nil : $0.removeFirst() } }

    func signal(_ number: Int32) { end(with: number == 15 ? 0 : 128 + number) }

    func stop() async { end(with: 137) }
}

/// A number that closures count up.
final class Counter: Sendable {
    private let value = NIOLockedValueBox(0)

    var count: Int { value.withLockedValue { $0 } }

    func add() { value.withLockedValue { $0 += 1 } }
}
