import CeleriacBridge
import CeleriacCore
import Testing

@Suite struct BridgeFileTests {
    private static let ends = """
        ends:
          go: {dialect: machinery, broker: "redis://h/0", results: "redis://h/0"}
          python: {dialect: celery, broker: "redis://:${SECRET}@h/1", results: "redis://h/2", claim_timeout: 5}
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
        #expect(file.ends["python"]?.claimTimeout == .seconds(5))
        #expect(file.ends["go"]?.claimTimeout == nil)
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

    @Test func missingVariableIsNamed() {
        #expect(throws: CeleriacError.self) { try BridgeFile(yaml: Array(Self.ends.utf8)) }
    }
}
