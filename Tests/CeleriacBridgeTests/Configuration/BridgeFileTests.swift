import CeleriacBridge
import CeleriacCore
import CeleriacWire
import Testing

@Suite struct BridgeFileTests {
    private static let ends = """
        ends:
          go: {dialect: machinery, broker: "redis://h/0", results: "redis://h/0"}
          python: {dialect: celery, broker: "redis://:${SECRET}@h/1", results: "redis://h/2", visibility_timeout: 5}
          rpc: {dialect: celery, broker: "amqp://h", results: "rpc://"}

        """

    private func read(_ routes: String) throws -> BridgeFile {
        try BridgeFile(yaml: Array((Self.ends + routes).utf8), environment: ["SECRET": "s3"])
    }

    private func refusal(_ routes: String) -> String? {
        do {
            _ = try read(routes)
            return nil
        } catch {
            return (error as? CeleriacError)?.message
        }
    }

    @Test func fileIsRead() throws {
        let file = try read(
            """
            routes:
              - name: a
                from: go
                to: python
                in_flight: 10
                rate: 5
                drop: [stamps]
                lenient: [wholeFloats]
                others: false
                tasks:
                  add: tasks.add
                  "go.*": {to: "tasks.*", types: [int64], parameters: [x], returns: ["[]byte"]}
            """)
        let way = try #require(file.ways.first)
        #expect(way.from == "go")
        #expect(way.to == "python")
        #expect(way.route.sourceQueue == "machinery_tasks")
        #expect(way.route.targetQueue == "celery")
        #expect(way.route.inFlight == 10)
        #expect(way.route.rate?.perSecond == 5)
        #expect(way.route.dropped == [.stamps])
        #expect(way.route.leniencies == [.wholeFloats])
        #expect(try way.route.tasks.rule(for: "go.x").target == "tasks.x")
        #expect(file.ends["python"]?.broker == "redis://:s3@h/1")
        #expect(file.ends["python"]?.visibilityTimeout == .seconds(5))
        #expect(file.ends["go"]?.visibilityTimeout == nil)
    }

    @Test(arguments: [
        ("routes: []", "has no routes"),
        ("routes: [{name: a, from: go, to: x}]", "leads to 'x', which is no side"),
        ("routes: [{name: a, from: go, to: python, typo: 1}]", "unknown key 'typo'"),
        ("routes: [{name: a, from: go, to: python}, {name: a, from: python, to: go}]", "two routes have the name 'a'"),
        ("routes: [{name: a, from: go, to: python}, {name: b, from: go, to: python}]", "take from one queue"),
        ("routes: [{name: a, from: go, to: python}, {name: b, from: python, to: go}]", "leads back"),
        ("routes: [{name: a, from: go, to: go}]", "into itself"),
        ("routes: [{name: a, from: go, to: rpc}]", "only one reader"),
        ("routes: [{name: a, from: go, to: python, drop: [all]}]", "has 'all' in drop"),
        ("routes: [{name: a, from: go, to: python, tasks: {x: {types: [map]}}}]", "the type 'map'"),
        ("routes: [", "is not YAML"),
    ])
    func mistakeIsNamed(_ routes: String, _ expected: String) {
        #expect(refusal(routes)?.contains(expected) == true, "\(refusal(routes) ?? "nothing")")
    }

    /// The ends take four lines.
    @Test(arguments: [
        ("routes:\n  - name: a\n    from: go\n    to: python\n    typo: 1", "(line 9, column 5)"),
        ("routes:\n  - {name: a, from: go, to: x}", "(line 6, column 25)"),
        (
            "routes:\n  - name: a\n    from: go\n    to: python\n    tasks:\n      x: {types: [map]}",
            "(line 10, column 11)"
        ),
        ("routes:\n  - {name: a, from: go, to: python}\n  - {name: b, from: go, to: python}", "(line 7, column 5)"),
    ])
    func mistakeHasItsPlace(_ routes: String, _ expected: String) {
        #expect(refusal(routes)?.hasSuffix(expected) == true, "\(refusal(routes) ?? "nothing")")
    }

    @Test func shadowAndWorkflowsAreRead() throws {
        let file = try read(
            """
            control: false
            routes:
              - {name: a, from: go, to: python, paused: true, whole: false, shadow: {queue: trial, share: 0.25}}
            """)
        let route = try #require(file.ways.first?.route)
        #expect(route.isPaused)
        #expect(!route.isWhole)
        #expect(route.shadow == RouteShadow(queue: "trial", share: 0.25))
        #expect(!file.isControlled)
        for shadow in ["{queue: q, share: 0}", "{queue: q, share: 2}", "{share: 1}", "{queue: q, x: 1}", "celery"] {
            #expect(refusal("routes: [{name: a, from: go, to: python, shadow: \(shadow)}]") != nil, "\(shadow)")
        }
    }

    /// The schema has the keys that the reader has: it refuses none of them as unknown.
    @Test func schemaHasTheKeysOfTheReader() throws {
        let schema = WireValue.object(BridgeFile.schema)
        func keys(_ value: WireValue?) -> [String] { value?["properties"]?.objectValue.map { Array($0.keys) } ?? [] }
        let ends = schema["properties"]?["ends"]?["additionalProperties"]
        let routes = schema["properties"]?["routes"]?["items"]
        let rows = routes?["properties"]?["tasks"]?["additionalProperties"]?["oneOf"]?.arrayValue?.last
        #expect(keys(schema).sorted() == ["bridge", "control", "ends", "routes"])
        #expect(keys(routes).count == 17)
        #expect(keys(rows) == ["to", "types", "parameters", "returns", "reply"])
        for key in keys(ends) {
            let text = "ends: {a: {dialect: celery, broker: x, \(key): []}}"
            #expect(message(of: text)?.contains("unknown key '\(key)'") == false, "\(key)")
        }
        for key in keys(routes) where !["name", "from", "to"].contains(key) {
            let text = refusal("routes: [{name: a, from: go, to: python, \(key): {x: {y: 1}}}]")
            #expect(text?.contains("unknown key '\(key)'") == false, "\(key): \(text ?? "nothing")")
        }
    }

    // MARK: Settings of the task systems

    private static func side(_ keys: String) -> String {
        """
        ends:
          one: {dialect: celery, broker: "memory://", queue: one}
          side: {\(keys)}
        routes: [{name: a, from: one, to: side, tasks: {x: {reply: false}}}]
        """
    }

    @Test func celerysSettingsAreFollowed() throws {
        let yaml = Self.side(
            """
            dialect: celery, broker: "memory://", results: "memory://", settings: {task_default_queue: math, \
            result_expires: 100, broker_transport_options: {global_keyprefix: "${PREFIX}", priority_steps: [0, 5]}}
            """)
        let file = try BridgeFile(yaml: Array(yaml.utf8), environment: ["PREFIX": "app:"])
        let settings = try #require(file.ends["side"])
        #expect(settings.queue == "math")
        #expect(settings.settings["broker_transport_options"]?["global_keyprefix"] == "app:")
        let end = try settings.end(logger: BridgeBench.logger)
        #expect(end.client.configuration.resultExpiry == .seconds(100))
        #expect(file.ways.first?.route.targetQueue == "math")
        #expect(try file.ways.first?.route.tasks.rule(for: "x").rule.hasReply == false)
    }

    @Test func machinerysSettingsAreFollowed() throws {
        let yaml = Self.side(
            """
            dialect: machinery, broker: "redis://h/0", results: "redis://h/0", \
            settings: {default_queue: math, results_expire_in: 100, redis: {connect_timeout: 5}}
            """)
        let file = try BridgeFile(yaml: Array(yaml.utf8))
        #expect(file.ends["side"]?.queue == "math")
        #expect(file.ways.first?.route.targetQueue == "math")
    }

    @Test(arguments: [
        (#"dialect: celery, broker: "memory://", settings: {broker_url: x}"#, "names broker_url in its settings"),
        (
            #"dialect: celery, broker: "memory://", settings: {task_defalt_queue: x}"#,
            "unknown key 'task_defalt_queue'"
        ),
        (#"dialect: celery, broker: "memory://", settings: {result_serializer: pickle}"#, "result_serializer"),
        (
            #"dialect: machinery, broker: "redis://h", results: "redis://h", settings: {redis: {typo: 1}}"#,
            "unknown key 'typo'"
        ),
        (
            #"dialect: machinery, broker: "redis://h", results: "redis://h", settings: {broker: x}"#,
            "names broker in its settings"
        ),
    ])
    func settingThatCannotBeFollowedHasItsPlace(_ keys: String, _ expected: String) {
        let text = message(of: Self.side(keys))
        #expect(text?.contains(expected) == true, "\(text ?? "nothing")")
        #expect(text?.contains("(line 3, column ") == true, "\(text ?? "nothing")")
    }

    private func message(of yaml: String) -> String? {
        do {
            _ = try BridgeFile(yaml: Array(yaml.utf8))
            return nil
        } catch {
            return error.message
        }
    }

    @Test func secretIsInNoMessage() {
        for routes in [
            "routes: [{name: a, from: python, to: x}]", "routes: [", "routes: [{name: a, from: go, to: rpc}]",
        ] {
            #expect(refusal(routes)?.contains("s3") == false)
        }
    }

    @Test func missingVariableIsNamed() {
        #expect(throws: CeleriacError.self) { try BridgeFile(yaml: Array(Self.ends.utf8)) }
    }
}
