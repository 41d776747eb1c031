import CeleriacWire

/// Why a case's steps did not all pass.
enum LiveEnd: Error {
    /// Something is not as the case wants.
    case unmet(String)
    /// What a step waits for did not come in time.
    case late(String)
    /// The testee has ended.
    case gone
    /// The testee says that it has no such operation.
    case unimplemented

    /// The same with a step's number.
    func at(_ number: Int) -> LiveEnd {
        switch self {
        case .unmet(let reason): .unmet("step \(number): \(reason)")
        case .late(let reason): .late("step \(number): \(reason)")
        case .gone, .unimplemented: self
        }
    }
}

/// One run of a live case's steps: puts on the wire what they say, and looks at the wire as they say.
struct LivePlay {
    let broker: any LiveBroker
    let store: any LiveStore
    /// The program under test; nil once a step has seen it end.
    private(set) var testee: (any LiveTestee)?
    private var placeholders: LivePlaceholders
    /// How much longer the next answer may take.
    private var starting: Duration

    init(
        broker: any LiveBroker, store: any LiveStore, testee: (any LiveTestee)?,
        starting: Duration = .zero, placeholders: LivePlaceholders = LivePlaceholders()
    ) {
        self.broker = broker
        self.store = store
        self.testee = testee
        self.starting = starting
        self.placeholders = placeholders
    }

    /// Takes all steps of a case.
    ///
    /// - Throws: ``LiveEnd`` for what is not as the case wants; ``ConformanceError`` for a case that cannot be read;
    ///   errors of the servers; `CancellationError`.
    mutating func run(_ steps: [WireValue]) async throws {
        for (number, step) in zip(1..., steps) {
            do {
                let filled = placeholders.fill(step)
                try await take(filled)
            } catch let end as LiveEnd {
                // Who has no such operation may have said so before the wire shows that nothing comes.
                if case .late = end, let line = testee?.answer(),
                    (try? WireJSON.decode(line, limits: .kit))?["unsupported"] != nil
                {
                    throw LiveEnd.unimplemented
                }
                throw end.at(number)
            }
        }
        if let testee, testee.exitStatus != nil { throw LiveEnd.gone }
    }

    private mutating func take(_ step: WireValue) async throws {
        func text(_ name: String) -> String? { step[name]?.stringValue }
        if let message = step["send"] {
            try await broker.send(LiveMessage(message), to: text("to") ?? "celery")
        } else if let message = step["broadcast"], let exchange = text("exchange") {
            try await broker.broadcast(LiveMessage(message), exchange: exchange, key: text("key") ?? "")
        } else if let words = step["redis"]?.arrayValue {
            _ = try await store.command(words.map { try Self.argument($0) })
        } else if let key = text("store") {
            try await put(step, key)
        } else if let key = text("result") {
            try await result(step, key)
        } else if let queue = text("receive") {
            try await receive(step, queue)
        } else if let channel = text("subscribe") {
            try await store.subscribe(channel)
        } else if let channel = text("told") {
            try await told(step, channel)
        } else if let queue = text("bind"), let exchange = text("exchange"), let key = text("key") {
            try await broker.bind(queue, exchange: exchange, key: key)
        } else if let exchange = text("listen") {
            try await broker.listen(to: exchange)
        } else if let exchange = text("hear") {
            try await hear(step, exchange)
        } else {
            try await takeAtTestee(step)
        }
    }

    private mutating func takeAtTestee(_ step: WireValue) async throws {
        if let question = step["ask"] {
            testee?.ask(try WireJSON.encode(question, style: .python))
        } else if step["answer"] != nil {
            try await answer(step)
        } else if step["printed"] != nil {
            try await printed(step)
        } else if let queue = step["count"]?.stringValue {
            try await count(step, queue)
        } else if let words = step["await"]?.arrayValue, let wanted = step["is"] {
            try await reply(step, to: words.map { try Self.argument($0) }, wanted)
        } else if let key = step["absent"]?.stringValue {
            let count = try await store.command("EXISTS", key)
            guard count == .int(0) else { throw LiveEnd.unmet("\(key) is there") }
        } else if let name = step["signal"]?.stringValue {
            guard let number = Self.signals[name] else { throw ConformanceError("no signal is named \(name)") }
            testee?.signal(number)
        } else if let allowed = step["ended"]?.arrayValue {
            try await end(step, allowed.compactMap(\.intValue))
        } else {
            throw ConformanceError("this program does not know the step \(ConformanceValue.excerpt(step))")
        }
    }

    private static let signals: [String: Int32] = ["INT": 2, "QUIT": 3, "KILL": 9, "TERM": 15]

    // MARK: Looking at the wire

    private mutating func result(_ step: WireValue, _ key: String) async throws {
        let deadline = Self.deadline(step)
        var end = LiveEnd.late("no \(key)")
        repeat {
            if let testee, testee.exitStatus != nil { throw LiveEnd.gone }
            guard let text = try await store.command("GET", key).stringValue else { continue }
            let found: WireValue = ["value": try WireJSON.decode(Array(text.utf8), limits: .kit)]
            guard let problem = Self.problem(in: found, step) else { return keep(found, step) }
            end = .unmet(problem)
        } while try await deadline.pause()
        throw end
    }

    private mutating func receive(_ step: WireValue, _ queue: String) async throws {
        let deadline = Self.deadline(step)
        repeat {
            let found = try await broker.receive(queue, first: step["end"]?.stringValue == "left")
            if let found { return try look(found, step) }
        } while try await deadline.pause()
        throw LiveEnd.late("no message in \(queue)")
    }

    private mutating func hear(_ step: WireValue, _ exchange: String) async throws {
        let deadline = Self.deadline(step)
        var reason = "nothing was heard"
        repeat {
            guard let message = try await broker.hear(exchange) else { continue }
            // Workers send the events of tasks in arrays.
            for value in message["value"]?.arrayValue ?? [message["value"] ?? .null] {
                guard var object = message.objectValue else { continue }
                object["value"] = value
                guard let problem = Self.problem(in: .object(object), step) else {
                    return keep(.object(object), step)
                }
                reason = problem
            }
        } while try await deadline.pause()
        throw LiveEnd.late(reason)
    }

    private func count(_ step: WireValue, _ queue: String) async throws {
        guard let seconds = step["over"]?.doubleValue else { throw ConformanceError("a step counts without a time") }
        // What came before is not counted.
        while try await broker.receive(queue, first: false) != nil {}
        let deadline = LiveDeadline(.seconds(seconds))
        var ids: [String] = []
        repeat {
            guard let found = try await broker.receive(queue, first: false) else { continue }
            ids.append(found["headers"]?["id"]?.stringValue ?? "")
        } while try await deadline.pause()
        if let problem = Self.miscount(ids, step) { throw LiveEnd.unmet("\(queue) had \(problem)") }
    }

    /// Why messages with these ids are not what a step counts; nil if they are.
    static func miscount(_ ids: [String], _ step: WireValue) -> String? {
        let bounds = (step["least"]?.intValue ?? 0, step["most"]?.intValue ?? Int.max)
        guard ids.count >= bounds.0, ids.count <= bounds.1 else { return "\(ids.count) messages" }
        return Set(ids).count == ids.count ? nil : "two messages with the same id"
    }

    private mutating func told(_ step: WireValue, _ channel: String) async throws {
        let deadline = Self.deadline(step)
        var reason = "nothing was published to \(channel)"
        repeat {
            guard let bytes = await store.told(channel) else { continue }
            let found: WireValue = ["value": try WireJSON.decode(bytes, limits: .kit)]
            // A state may be told before the last one.
            guard let problem = Self.problem(in: found, step) else { return keep(found, step) }
            reason = problem
        } while try await deadline.pause()
        throw LiveEnd.late(reason)
    }

    private mutating func reply(_ step: WireValue, to words: [[UInt8]], _ wanted: WireValue) async throws {
        let deadline = Self.deadline(step)
        var reply = WireValue.null
        repeat {
            reply = try await store.command(words)
            if ConformanceValue.same(reply, wanted) { return }
        } while try await deadline.pause()
        guard step["optional"]?.boolValue != true else { return }
        let command = words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
        let texts = (ConformanceValue.excerpt(reply), ConformanceValue.excerpt(wanted))
        throw LiveEnd.late("\(command) is \(texts.0) instead of \(texts.1)")
    }

    // MARK: The testee

    private mutating func answer(_ step: WireValue) async throws {
        let deadline = Self.deadline(step, more: starting)
        starting = .zero
        repeat {
            if let line = testee?.answer() { return try look(["value": try Self.answer(line)], step) }
            if testee?.exitStatus != nil { throw LiveEnd.gone }
        } while try await deadline.pause()
        throw LiveEnd.late("no answer in time")
    }

    /// Waits for a line of a monitor that passes. What `again` says is done each second until then.
    private mutating func printed(_ step: WireValue) async throws {
        let deadline = Self.deadline(step)
        var reason = "nothing was printed"
        var next = ContinuousClock.now
        repeat {
            if let again = step["again"], ContinuousClock.now >= next {
                try await take(again)
                next = ContinuousClock.now + .seconds(1)
            }
            while let line = testee?.answer() {
                let found: WireValue = ["text": .string(String(decoding: line, as: UTF8.self))]
                guard let problem = Self.problem(in: found, step) else { return keep(found, step) }
                reason = problem
            }
            if let testee, testee.exitStatus != nil { throw LiveEnd.gone }
        } while try await deadline.pause()
        throw LiveEnd.late(reason)
    }

    private mutating func end(_ step: WireValue, _ allowed: [Int]) async throws {
        let deadline = Self.deadline(step)
        repeat {
            guard let testee else { return }
            guard let status = testee.exitStatus else { continue }
            self.testee = nil
            guard allowed.contains(Int(status)) else { throw LiveEnd.unmet("the testee has ended with \(status)") }
            return
        } while try await deadline.pause()
        throw LiveEnd.late("the testee has not ended")
    }

    private static func answer(_ line: [UInt8]) throws -> WireValue {
        guard let answer = try? WireJSON.decode(line, limits: .kit) else {
            throw LiveEnd.unmet("the answer is no JSON")
        }
        if answer["unsupported"] != nil { throw LiveEnd.unimplemented }
        return answer
    }

    // MARK: Parts of steps

    private func put(_ step: WireValue, _ key: String) async throws {
        guard let value = step["value"] else { throw ConformanceError("a step stores nothing at \(key)") }
        let bytes = try WireJSON.encode(value, style: .python)
        _ = try await store.command([Array("SETEX".utf8), Array(key.utf8), Array("600".utf8), bytes])
        if step["publish"]?.boolValue == true {
            _ = try await store.command([Array("PUBLISH".utf8), Array(key.utf8), bytes])
        }
    }

    private mutating func look(_ found: WireValue, _ step: WireValue) throws {
        if let problem = Self.problem(in: found, step) { throw LiveEnd.unmet(problem) }
        keep(found, step)
    }

    private mutating func keep(_ found: WireValue, _ step: WireValue) {
        for (name, way) in step["keep"]?.objectValue ?? [:] {
            var value: WireValue? = found
            for key in way.arrayValue ?? [] { value = key.stringValue.flatMap { value?[$0] } }
            if let text = value?.stringValue { placeholders.set(name, to: text) }
        }
    }

    private static func problem(in found: WireValue, _ step: WireValue) -> String? {
        let checks = (step["checks"]?.arrayValue ?? []).compactMap { ConformanceCheck($0) }
        return checks.lazy.compactMap { $0.problem(in: found) }.first
    }

    private static func deadline(_ step: WireValue, more: Duration = .zero) -> LiveDeadline {
        LiveDeadline(Duration.seconds(step["within"]?.doubleValue ?? 10) + more)
    }

    private static func argument(_ word: WireValue) throws -> [UInt8] {
        if let text = word.stringValue { return Array(text.utf8) }
        if let text = word["base64"]?.stringValue { return try Base64.decode(text) }
        if let value = word["json"] {
            return try WireJSON.encode(value, style: .python, maximumDepth: WireLimits.kit.maximumDepth)
        }
        guard let message = word["envelope"] else { throw ConformanceError("a word of a command cannot be read") }
        return try LiveMessage(message).envelope(exchange: "", key: word["to"]?.stringValue ?? "celery")
    }
}
