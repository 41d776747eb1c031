import Celeriac
import MachineryWire

extension Checks {
    func arguments() async {
        await echo("bool", true)
        await echo("int", GoInt(Int.min))
        await echo("int8", Int8.min)
        await echo("int16", Int16.max)
        await echo("int32", Int32.min)
        await echo("int64", Int64.max)
        await echo("uint", GoUInt(UInt.max))
        await echo("uint8", UInt8.max)
        await echo("uint16", UInt16.max)
        await echo("uint32", UInt32.max)
        await echo("uint64", UInt64.max)
        await echo("float32", Float(0.1))
        await echo("float64", 1e21)
        await echo("string", "<é😀\u{2028}\u{1}>")
        await echo("bytes", [UInt8]([0, 255, 7]))
        await echo("bools", [true, false])
        await echo("ints", [GoInt(-1), GoInt(1)])
        await echo("int8s", [Int8.min, Int8.max])
        await echo("int16s", [Int16(-1), 1])
        await echo("int32s", [Int32(-1), 1])
        await echo("int64s", [Int64.min, Int64.max])
        await echo("uints", [GoUInt(0), GoUInt(UInt.max)])
        await echo("uint8s", [UInt8]([0, 255]))
        await echo("uint16s", [UInt16(0), .max])
        await echo("uint32s", [UInt32(0), .max])
        await echo("uint64s", [UInt64(0), .max])
        await echo("float32s", [Float(0.1), 16_777_216, 1e-7])
        await echo("float64s", [1, 0.1, 1e-7, 1e20, Double.leastNonzeroMagnitude])
        await echo("strings", ["", "b"])
        await echo("int64s", [Int64]())
        await check("variadic", Tasks.add([1, 2, 3]), 6)
        await check("variadic without arguments", Tasks.add([]), 0)
        await check("several results", #"a 2 ["x", "y"]"#) {
            let values = try await Self.get(server.send(Tasks.echoMulti("a", 2, ["x", "y"]))).values
            return "\(values.0) \(values.1) \(values.2)"
        }
        await check("no result", "done") {
            try await Self.get(server.send(Tasks.noResult()))
            return "done"
        }
        await check("headers", "00-1-2-01") {
            try await Self.get(
                server.send(Tasks.echoHeader("traceparent"), headers: ["traceparent": "00-1-2-01", "flag": true]))
        }
    }

    private func echo<Value: Codable & Sendable & Equatable>(_ name: String, _ value: Value) async {
        await check("echo_\(name)", Tasks.echo(Value.self, name)(value), value)
    }

    func failures() async {
        let sent = server
        await check("failure", failsWith: "boom <&>") { try await Self.get(sent.send(Tasks.fail("boom <&>"))) }
        await check("failure with a result", failsWith: "boom") {
            try await Self.get(sent.send(Tasks.failWithResult("boom")))
        }
        for (name, text) in [
            ("panic_task", "oops"), ("panic_string", "string panic"), ("panic_int", "Invoking task caused a panic"),
        ] {
            await check(name, failsWith: text) { try await Self.get(sent.send(Signature(name))) }
        }
        await check("unknown and ignored", "PENDING 1") {
            var unknown = MachinerySignature(name: "nobody_knows_it")
            unknown.ignoreWhenTaskNotRegistered = true
            let ignored = try await sent.send(unknown)
            let next = try await Self.get(sent.send(Tasks.add([1])))
            return "\(try await ignored.status()) \(next)"
        }
    }

    func delaysAndRetries() async {
        await check("delayed", 9) { try await Self.get(server.send(Tasks.add([4, 5]), countdown: .seconds(1))) }
        await check("an ETA in the past", 9) {
            try await Self.get(server.send(Tasks.add([4, 5]), countdown: .seconds(-3600)))
        }
        await check("retries until exhaustion", failsWith: "no") {
            var task = try server.signature(Tasks.retry("no"))
            task.retryCount = 2
            return try await Self.get(server.send(task))
        }
        await check("a retry that succeeds", "done") {
            var task = try server.signature(Tasks.failOnce("no"))
            task.retryCount = 2
            return try await Self.get(server.send(task, returning: String.self))
        }
        await check("retry later", Tasks.retryLaterOnce(1000), "done")
    }

    func workflows() async {
        let server = server
        func add(_ numbers: Int...) throws -> MachinerySignature {
            try server.signature(Tasks.add(Variadic(numbers)))
        }
        func multiply(_ numbers: Int...) throws -> MachinerySignature {
            try server.signature(Tasks.multiply(Variadic(numbers)))
        }
        func chain(_ tasks: [MachinerySignature]) async throws -> WireValue {
            try await server.send(MachineryChain(tasks)).get(timeout: .seconds(60)).last ?? .null
        }
        await check("chain", 48 as WireValue) { try await chain([add(1, 1), add(5, 5), multiply(4)]) }
        await check("chain with an immutable task", 10 as WireValue) {
            var silent = try add(1, 1)
            silent.immutable = true
            return try await chain([silent, add(5, 5)])
        }
        await check("chain that fails", failsWith: "boom") {
            var silent = try add(1, 1)
            silent.immutable = true
            return try await chain([silent, server.signature(Tasks.failWithResult("boom")), add(1)])
        }
        for concurrency in [0, 3] {
            await check("group", (1...20).map { WireValue.int(2 * $0) }) {
                let members = try (1...20).map { try add($0, $0) }
                return try await server.send(MachineryGroup(members), sendConcurrency: concurrency)
                    .get(timeout: .seconds(60))
            }
        }
        func chord(
            _ callback: MachinerySignature, _ members: [MachinerySignature], _ concurrency: Int = 0
        ) async throws -> WireValue {
            let chord = MachineryChord(MachineryGroup(members), callback: callback)
            return try await server.send(chord, sendConcurrency: concurrency).get(timeout: .seconds(60))
        }
        for concurrency in [0, 2, 1, 0] {
            await check("chord", 140 as WireValue) {
                try await chord(multiply(2), [add(1, 1), add(2, 3), add(7)], concurrency)
            }
        }
        await check("chord with an immutable callback", 3 as WireValue) {
            var quiet = try multiply(3)
            quiet.immutable = true
            return try await chord(quiet, [add(1, 1), add(2, 3)])
        }
        await check("chord whose member fails", failsWith: "boom") {
            try await chord(multiply(), [server.signature(Tasks.failWithResult("boom")), add(2)])
        }
    }

    func callbacks() async {
        await check("OnSuccess tree", [3, 13, 26, 15] as [WireValue]) {
            let last = try identified(Tasks.multiply([2]))
            var first = try identified(Tasks.add([10]))
            first.onSuccess = [last]
            let second = try identified(Tasks.multiply([5]))
            var root = try server.signature(Tasks.add([1, 2]))
            root.onSuccess = [first, second]
            let three = try await Self.get(server.send(root))
            return [three, try await get(first), try await get(last), try await get(second)]
        }
        let told = "got error \"boom\" rest [x y]"
        // The error's text precedes a callback's own arguments; results follow them.
        await check(
            "OnError tree",
            ["boom", told, "got error \"deeper\" rest [\(told)]", "boom", "got error \"boom\" rest []"]
        ) {
            var first = try identified(Tasks.logError("x", ["y"]))
            let deeper = try identified(Tasks.logError("deeper", []))
            first.onSuccess = [deeper]
            var beside = MachinerySignature(uuid: try identified(Tasks.add([])).uuid, name: "fail_task")
            let beneath = MachinerySignature(uuid: try identified(Tasks.add([])).uuid, name: "log_error")
            beside.onError = [beneath]
            var failing = try server.signature(Tasks.fail("boom"))
            failing.onError = [first, beside]
            let root = failing
            return [
                try await Self.error { try await Self.get(server.send(root)) },
                try await get(first).stringValue ?? "", try await get(deeper).stringValue ?? "",
                try await Self.error { try await self.get(beside) }, try await get(beneath).stringValue ?? "",
            ]
        }
    }
}
