import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import LiveTasks
import Testing

/// Calls of Swift's client whose arguments and results have types, beside a Python worker. The cells of the live matrix
/// carry values as they are on the wire.
@Suite("Typed calls", .timeLimit(.minutes(5)))
struct TypedCallTests {
    /// What Python's `echo` returns.
    private struct Echo: Codable, Sendable { var args: [LiveTasks.Rich] }

    private func rich() throws -> LiveTasks.Rich {
        LiveTasks.Rich(
            instant: Date(timeIntervalSince1970: 1_795_437_015.25),
            local: try #require(LocalDateTime("2026-11-23T12:30:15")), date: try #require(LocalDate("2026-11-23")),
            time: try #require(LocalTime("12:30:15.250000")), decimal: try #require(Decimal(string: "1.25")),
            uuid: try #require(UUID(uuidString: "12345678-1234-5678-1234-567812345678")), bytes: [0, 0xff, 0xfe])
    }

    /// The same on Celery's wire.
    private static let wire: WireValue = [
        "instant": ["__type__": "datetime", "__value__": "2026-11-23T12:30:15.250000+00:00"],
        "local": ["__type__": "datetime", "__value__": "2026-11-23T12:30:15"],
        "date": ["__type__": "date", "__value__": "2026-11-23"],
        "time": ["__type__": "time", "__value__": "12:30:15.250000"],
        "decimal": ["__type__": "decimal", "__value__": "1.25"],
        "uuid": ["__type__": "uuid", "__value__": ["hex": "12345678123456781234567812345678"]],
        "bytes": ["__type__": "base64", "__value__": "AP/+"],
    ]

    @Test("arguments and results of a Python worker, and its errors", arguments: MatrixTransport.available)
    func calls(_ transport: MatrixTransport) async throws {
        let site = try await MatrixSite(transport)
        let worker = try await site.python.startWorker(pool: .threads, concurrency: 4)
        func get<Value: Sendable>(_ signature: Signature<Value>) async throws -> Value {
            try await site.app.send(signature).get(timeout: .seconds(120))
        }

        let sum = try await get(MatrixTasks.add(2, 3)).integer(Int64.self)
        #expect(sum == 5)
        let named = try await get(MatrixTasks.add.keywords(2, 3)).integer(Int64.self)
        #expect(named == 5)

        let rich = try self.rich()
        let echoed = try await get(TaskDefinition<LiveTasks.Rich, WireValue>("tasks.echo")(rich))
        #expect(echoed["args"]?[0] == Self.wire)
        let typed = try await get(TaskDefinition<LiveTasks.Rich, Echo>("tasks.echo")(rich))
        #expect(typed.args == [rich])

        let error = await #expect(throws: RemoteTaskError.self) {
            _ = try await get(Signature("tasks.fail", arguments: ["ValueError", "boom", 42]))
        }
        #expect(error?.type == "ValueError" && error?.module == "builtins" && error?.arguments == ["boom", 42])
        #expect(error?.traceback?.contains("Traceback") == true)
        await worker.stop()
        await site.close()
    }

    @Test("a pickle is refused by name before it is sent")
    func pickle() async throws {
        let site = try await MatrixSite(.filesystem)
        let error = await #expect(throws: CeleriacError.self) {
            try await site.app.send(MatrixTasks.add(1, 1), serializer: Serializer(rawValue: "pickle"))
        }
        #expect(error?.code == .unsupported && error?.message.contains("pickle") == true)
        await site.close()
    }
}
