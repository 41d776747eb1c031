import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire
import Testing

/// Values that Python runs and stricter readers do not: they are passed on, or refused with the true reason.
@Suite struct PythonValuesTests {
    private let formats = CeleryFormats(limits: WireLimits(maximumDepth: 1_000))

    private func request(_ change: (inout CeleryTaskMessage) -> Void) throws -> TaskRequest {
        var task = CeleryTaskMessage(task: "tasks.add", id: "id-1")
        change(&task)
        return try EffectBench(formats: formats).request(of: try task.encode(nonFinite: .allow, limits: formats.limits))
    }

    private func fault(ofBody body: String, limits: WireLimits = .default) -> MessageFault? {
        let message = WireMessage(
            headers: ["task": "tasks.add", "id": "id-1"],
            properties: MessageProperties(contentType: "application/json", contentEncoding: "utf-8"),
            body: Array(body.utf8))
        do {
            _ = try EffectBench(formats: CeleryFormats(limits: limits)).request(of: message)
            return nil
        } catch {
            return error as? MessageFault
        }
    }

    // MARK: NaN and the infinities

    @Test func whatIsNoNumberIsPassedOnAsPythonWritesIt() throws {
        let odd: [WireValue] = [.double(.nan), .double(.infinity), .double(-.infinity)]
        let text = "[NaN, Infinity, -Infinity]"
        let request = try request { task in
            task.args = odd
            task.group = "g"
            task.groupIndex = 0
            task.embed.chord = ["task": "tasks.sum", "options": ["task_id": "body"]]
            task.embed.callbacks = [["task": "tasks.linked", "args": .array(odd)]]
            task.embed.chain = [["task": "tasks.next", "args": .array(odd), "options": ["task_id": "n"]]]
        }
        let effects = try formats.effects(of: .success(.array(odd)), for: request, in: EffectBench.context())
        let bodies = effects.flatMap { effect -> [String] in
            guard case .publish(let messages) = effect else { return [] }
            return messages.map { String(decoding: $0.message.body, as: UTF8.self) }
        }
        #expect(bodies.count == 2)
        for body in bodies { #expect(body.hasPrefix("[[\(text), NaN, Infinity, -Infinity]")) }
        let stored = effects.compactMap { effect in
            if case .store(let record) = effect { String(decoding: record.payload, as: UTF8.self) } else { nil }
        }
        #expect(stored.count == 1 && stored[0].contains("\"result\": \(text)"))
        #expect(
            effects.parts.map { String(decoding: $0.payload, as: UTF8.self) }
                == [#"[1, "id-1", "SUCCESS", \#(text)]"#])

        let again = try formats.effects(
            of: .retry(eta: EffectBench.now, cause: TaskFailure("ValueError", "no")), for: request,
            in: EffectBench.context())
        #expect(try again.messages().map(\.args.count) == [3])
    }

    @Test func bytesInAPartOfAChordAreMappedAsInAResult() throws {
        let request = try request { task in
            task.group = "g"
            task.embed.chord = ["task": "tasks.sum", "options": ["task_id": "body"]]
        }
        let effects = try formats.effects(of: .success(.bytes([0xff])), for: request, in: EffectBench.context())
        #expect(
            effects.parts.map { String(decoding: $0.payload, as: UTF8.self) } == [
                #"[1, "id-1", "SUCCESS", {"__type__": "base64", "__value__": "/w=="}]"#
            ])
    }

    // MARK: Nesting

    @Test func nestingAsDeepAsCelerysIsReadAndWritten() throws {
        var deep = WireValue.int(1)
        for _ in 0..<900 { deep = [deep] }
        let request = try request { $0.args = [deep] }
        #expect(request.arguments == [deep])
        let effects = try formats.effects(of: .success(deep), for: request, in: EffectBench.context())
        guard case .store(let record)? = effects.first else {
            Issue.record("nothing is stored")
            return
        }
        #expect(try formats.result(from: record.payload).value == deep)
        // The application's limits reach both ends.
        let shallow = CeleryFormats(limits: WireLimits(maximumDepth: 10))
        #expect(throws: CeleriacError.self) {
            try shallow.effects(of: .success(deep), for: request, in: EffectBench.context())
        }
    }

    // MARK: Reasons

    @Test func refusedBodiesSayWhy() {
        let nested = String(repeating: "[", count: 60) + String(repeating: "]", count: 60)
        let cases: [(body: String, limits: WireLimits, reason: String)] = [
            (#"[["\udcff"], {}, {}]"#, .default, "the body is refused: a JSON string has half of a surrogate pair"),
            (
                "[[\(nested)], {}, {}]", WireLimits(maximumDepth: 50),
                "the body is refused: nested deeper than 50 levels"
            ),
            ("[[1], {}, {}]", WireLimits(maximumMessageBytes: 10), "the body is refused: 13 bytes; the limit is 10"),
            ("nonsense", .default, "the body is not json: expected a JSON value"),
        ]
        for (body, limits, reason) in cases {
            let fault = fault(ofBody: body, limits: limits)
            #expect(fault?.reason == "undecodableBody")
            #expect(fault?.detail.hasPrefix("body: " + reason) == true, "\(fault?.detail ?? "accepted")")
        }
        #expect(fault(ofBody: cases[0].body, limits: .default)?.detail.hasSuffix("(at byte 3)") == true)
    }

    /// File names that are not UTF-8 come as half surrogate pairs in the text that only people read. On RabbitMQ that
    /// text is then not UTF-8, and arrives as bytes.
    @Test func whatOnlyPeopleReadStopsNoMessage() throws {
        var message = try CeleryTaskMessage(task: "tasks.add", id: "id-1").encode()
        for name in ["argsrepr", "kwargsrepr"] { message.headers[name] = .bytes([0x28, 0x27, 0xed, 0xb3, 0xbf, 0x27]) }
        #expect(try EffectBench(formats: formats).request(of: message).id == "id-1")
    }

    /// Celery runs both, with two arguments.
    @Test func keysThatDifferOnlyInTheirUnicodeCompositionAreTwo() throws {
        var message = try CeleryTaskMessage(task: "tasks.add", id: "id-1").encode()
        message.body = Array(#"[[], {"\u00e9": 1, "e\u0301": 2}, {}]"#.utf8)
        let request = try EffectBench(formats: formats).request(of: message)
        #expect(request.keywordArguments.map(\.value) == [1, 2])
    }

    @Test func retriesMayBeText() throws {
        var message = try CeleryTaskMessage(task: "tasks.add", id: "id-1").encode()
        message.headers["retries"] = "2"
        #expect(try EffectBench(formats: formats).request(of: message).retries == 2)
        message.headers["retries"] = "two"
        #expect(throws: MessageFault.self) { try EffectBench(formats: formats).request(of: message) }
    }

    // MARK: Queues

    /// By name alone, with a link, and as the next step of a chain.
    @Test func anEmptyQueueIsTheDefaultQueue() throws {
        let context = PublicationContext(
            now: EffectBench.now, replyTo: "", defaultQueue: "celery", routes: [:], countsChords: true,
            resultExpiry: nil)
        let formats = CeleryFormats(router: CeleryRouter(routes: ["tasks.routed": "own"]))
        for (name, queue) in [("tasks.add", "celery"), ("tasks.routed", "own")] {
            let submission = TaskSubmission(
                id: "id-1", name: name, arguments: [], options: SendOptions(queue: ""))
            let sent = try formats.publication(of: .task(submission), in: context)
            guard case .publish(let messages)? = sent.steps.first else {
                Issue.record("nothing is published")
                return
            }
            #expect(messages.map(\.routingKey) == [queue])
        }
        let request = try request {
            $0.embed.chain = [["task": "tasks.next", "options": ["queue": "", "task_id": "n"]]]
        }
        let effects = try formats.effects(of: .success(1), for: request, in: EffectBench.context())
        guard case .publish(let messages)? = effects.first else {
            Issue.record("nothing is published")
            return
        }
        #expect(messages.map(\.routingKey) == ["celery"])
    }
}
