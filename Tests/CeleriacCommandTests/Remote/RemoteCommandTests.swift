import ArgumentParser
import CeleriacWire
import Testing

@testable import CeleriacCommand

@Suite("Commands of remote control") struct RemoteCommandTests {
    private func arguments(
        _ kind: RemoteCommand.Kind, _ line: String, keywords: String? = nil
    ) throws -> WireObject {
        let words = line.split(separator: " ").map(String.init)
        return try RemoteCommand.arguments(
            kind, try #require(words.first), Array(words.dropFirst()), keywords: keywords)
    }

    /// A line with the arguments of its request.
    private static let requests: [(RemoteCommand.Kind, String, WireObject)] = [
        (.inspect, "active", [:]),
        (.inspect, "conf", [:]),
        (.inspect, "conf TRUE", ["with_defaults": true]),
        (.inspect, "query_task a b", ["ids": ["a", "b"]]),
        (.inspect, "registered", ["taskinfoitems": []]),
        (.inspect, "objgraph Request 5", ["type": "Request", "num": 5]),
        (.control, "rate_limit tasks.add 10/m", ["task_name": "tasks.add", "rate_limit": "10/m"]),
        (.control, "time_limit tasks.add 1 2.5", ["task_name": "tasks.add", "soft": 1.0, "hard": 2.5]),
        (.control, "autoscale 10 3", ["max": 10, "min": 3]),
        (.control, "pool_grow", [:]),
        (.control, "terminate SIGKILL a b", ["signal": "SIGKILL", "task_id": ["a", "b"]]),
        (.control, "revoke_by_stamped_headers a=1 b=2", ["headers": ["a=1", "b=2"]]),
        (
            .control, "add_consumer q ex topic key",
            ["queue": "q", "exchange": "ex", "exchange_type": "topic", "routing_key": "key"]
        ),
    ]

    @Test("have their arguments by name, of Celery's types", arguments: requests.indices)
    func celerys(_ index: Int) throws {
        let (kind, line, expected) = Self.requests[index]
        let read = try arguments(kind, line)
        #expect(read == expected)
    }

    @Test("refuse words that are no argument")
    func refusals() {
        for line in ["active now", "conf perhaps", "memdump many", "nope", "hello x", "rate_limit tasks.add 1/s"] {
            #expect(throws: ValidationError.self) { try arguments(.inspect, line) }
        }
        for line in ["ping", "pool_grow 1.5", "time_limit tasks.add nan", "autoscale 1 2 3"] {
            #expect(throws: ValidationError.self) { try arguments(.control, line) }
        }
    }

    @Test("of one's own take JSON, which also adds to Celery's")
    func own() throws {
        let weather = try arguments(.inspect, "current_weather", keywords: #"{"city": "Oslo"}"#)
        #expect(weather == ["city": "Oslo"])
        let revoke = try arguments(.control, "revoke a", keywords: #"{"terminate": true}"#)
        #expect(revoke == ["task_id": ["a"], "terminate": true])
        #expect(throws: ValidationError.self) { try arguments(.control, "own word", keywords: "{}") }
        #expect(throws: ValidationError.self) { try arguments(.control, "own", keywords: "[]") }
    }

    @Test("are listed with their signatures")
    func list() {
        let lines = RemoteCommand.list(.control)
        #expect(lines.count == 17 && lines.first?.hasPrefix("COMMAND ") == true)
        #expect(lines.contains { $0.hasPrefix("cancel_consumer <queue> ") })
        #expect(RemoteCommand.list(.inspect).count == 16)
    }

    @Test("name workers with commas or repeated")
    func names() {
        #expect(CommaList.parts(["a@h, b@h", "", "c@h,"]) == ["a@h", "b@h", "c@h"])
        #expect(CommaList.parts([]) == [])
    }
}
