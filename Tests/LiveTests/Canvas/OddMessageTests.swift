import Celeriac
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import Foundation
import Testing

/// Tests messages that Python writes and runs, and that stricter readers than Python's refuse.
@Suite("Odd messages", .serialized)
struct OddMessageTests {
    /// A message whose body stands here as JSON.
    private struct Message: Sendable {
        let name: String
        let body: String
        var headers: [String: WireValue] = [:]
        /// The bytes of a file's name, for the header that shows the arguments.
        var fileName: [WireValue]?
        /// What `tasks.echo` returns; nil if the task fails.
        let result: WireValue?
        /// A part of the failure's text.
        var reason = ""
    }

    private static let deep = String(repeating: "[", count: 900) + String(repeating: "]", count: 900)
    private static let messages = [
        Message(
            name: "keys that differ in their Unicode composition alone",
            body: #"[[], {"caf\u00e9": 1, "cafe\u0301": 2}, {}]"#,
            result: ["args": [], "kwargs": ["caf\u{e9}": 1, "cafe\u{301}": 2]]),
        Message(
            name: "retries as text", body: "[[1], {}, {}]", headers: ["retries": "0"],
            result: ["args": [1], "kwargs": [:]]),
        Message(
            name: "a file name that is not UTF-8, where arguments are shown", body: "[[1], {}, {}]",
            fileName: [97, 0xff], result: ["args": [1], "kwargs": [:]]),
        Message(
            name: "no numbers", body: "[[Infinity, -Infinity], {}, {}]",
            result: ["args": [.double(.infinity), .double(-.infinity)], "kwargs": [:]]),
        Message(name: "900 levels", body: "[[\(deep)], {}, {}]", result: ["args": [nested(900)], "kwargs": [:]]),
        Message(
            name: "a file name that is not UTF-8, as an argument", body: #"[["a\udcff"], {}, {}]"#, result: nil,
            reason: "half of a surrogate pair"),
        Message(
            name: "2,000 levels",
            body: "[[" + String(repeating: "[", count: 2000) + String(repeating: "]", count: 2000) + "], {}, {}]",
            result: nil, reason: "nested deeper than 1000 levels"),
    ]

    private static func nested(_ levels: Int) -> WireValue {
        var value: WireValue = []
        for _ in 1..<levels { value = [value] }
        return value
    }

    @Test(
        "run as in Python, or fail with the reason", .timeLimit(.minutes(5)),
        arguments: MatrixTransport.available.filter { $0 != .rabbitRPC })
    fileprivate func python(_ transport: MatrixTransport) async throws {
        let site = try await MatrixSite(transport)
        let driver = try await site.python.startDriver()
        try await withRunning(site.app.worker(concurrency: 4) { MatrixTasks.handlers }) {
            for (number, message) in Self.messages.enumerated() {
                var fields: [String: WireValue] = ["body": .string(message.body), "queue": "celery"]
                let id = "odd-\(number)"
                let headers = message.headers.merging(["task": "tasks.echo", "id": .string(id), "lang": "py"]) { $1 }
                fields["headers"] = .object(WireObject(headers.map { ($0.key, $0.value) }))
                if let name = message.fileName { fields["file_name"] = .array(name) }
                _ = try await driver.ask("publish", fields)
                let result = site.app.result(id, as: WireValue.self)
                if let expected = message.result {
                    let value = try await result.get(timeout: .seconds(120))
                    #expect(value == expected, "\(message.name)")
                    // Python reads what was stored.
                    #expect(try await driver.get(id) == .success(expected), "\(message.name)")
                } else {
                    let error = await #expect(throws: RemoteTaskError.self, "\(message.name)") {
                        try await result.get(timeout: .seconds(120))
                    }
                    #expect(error?.message?.contains(message.reason) == true, "\(error?.message ?? "")")
                }
            }
        }
        await driver.stop()
        await site.close()
    }
}
