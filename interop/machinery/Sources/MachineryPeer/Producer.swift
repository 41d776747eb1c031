import Celeriac

/// Sends a task of every shape to whoever serves the queue and prints one line for each result.
struct Producer {
    let server: MachineryServer

    struct Failed: Error {}

    func run() async throws {
        var failed = 0
        func check<Value: Equatable>(_ name: String, _ expected: Value, _ found: () async throws -> Value) async {
            do {
                let value = try await found()
                print(value == expected ? "passed \(name)" : "FAILED \(name): \(value) instead of \(expected)")
                if value != expected { failed += 1 }
            } catch {
                print("FAILED \(name): \(error)")
                failed += 1
            }
        }
        func single<Value: Equatable & Sendable>(_ signature: Signature<Value>, _ expected: Value) async {
            await check(signature.task, expected) {
                try await server.send(signature).get(timeout: .seconds(30), every: .milliseconds(5))
            }
        }
        await single(Tasks.add([1, 2]), 3)
        await single(Tasks.echoBool(true), true)
        await single(Tasks.echoInt(-5), -5)
        await single(Tasks.echoInt8(-128), -128)
        await single(Tasks.echoUInt64(.max), .max)
        await single(Tasks.echoFloat32(0.1), 0.1)
        await single(Tasks.echoFloat64(1e21), 1e21)
        await single(Tasks.echoString("<é😀\u{2028}>"), "<é😀\u{2028}>")
        await single(Tasks.echoBytes([0, 255]), [0, 255])
        await single(Tasks.echoStrings(["a", "b"]), ["a", "b"])
        await check("echo_multi", "a 2 [\"x\"]") {
            let values = try await server.send(Tasks.echoMulti("a", 2, ["x"])).get(timeout: .seconds(30)).values
            return "\(values.0) \(values.1) \(values.2)"
        }
        await check("fail_task", "boom") {
            do {
                try await server.send(Tasks.fail("boom")).get(timeout: .seconds(30))
                return ""
            } catch let error as RemoteTaskError {
                return error.message ?? ""
            }
        }
        await check("delayed", 9) {
            try await server.send(Tasks.add([4, 5]), countdown: .seconds(1)).get(timeout: .seconds(30))
        }
        await check("chain", WireValue.int(48)) {
            let links = [
                try server.signature(Tasks.add([1, 1])), try server.signature(Tasks.add([5, 5])),
                try server.signature(Tasks.multiply([4])),
            ]
            return try await server.send(MachineryChain(links)).get(timeout: .seconds(30)).last ?? .null
        }
        await check("chord", WireValue.int(10)) {
            let group = MachineryGroup([
                try server.signature(Tasks.add([1, 1])), try server.signature(Tasks.add([2, 3])),
            ])
            let callback = try server.signature(Tasks.multiply([]))
            return try await server.send(MachineryChord(group, callback: callback)).get(timeout: .seconds(30))
        }
        if failed > 0 { throw Failed() }
    }
}
