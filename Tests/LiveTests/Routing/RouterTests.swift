import CeleriacTestKit
import CeleriacWire
import CeleryDialect
import CeleryWire
import Testing

@testable import Celeriac

/// Compares where Swift and Python send tasks, under the same settings.
@Suite("Routes")
struct RouterTests {
    /// Settings that projects have, and what is asked for under each.
    struct Site: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let settings: String
    }

    static let sites = [
        Site(testDescription: "nothing set", settings: "{}"),
        Site(
            testDescription: "defaults renamed",
            settings: "{task_default_queue: main, task_default_exchange: work, task_default_routing_key: work.main}"),
        Site(
            testDescription: "a topic exchange by default",
            settings: """
                task_default_queue: main
                task_default_exchange: tasks
                task_default_exchange_type: topic
                task_default_routing_key: task.default
                task_queues:
                  - {name: main, routing_key: "task.#"}
                  - {name: feed, exchange: {name: feeds, type: topic}, routing_key: "feed.*.import"}
                  - {name: math}
                task_routes:
                  feed.*: {queue: feed, routing_key: feed.swift.import}
                  keyed.*: {routing_key: task.keyed}
                """),
        Site(
            testDescription: "queues by name",
            settings: """
                task_queues:
                  images: {exchange: media, exchange_type: direct, routing_key: image}
                  video: {exchange: media, exchange_type: topic, binding_key: "video.#", exchange_durable: false}
                  plain: {}
                  spread: {exchange: everybody, exchange_type: fanout}
                task_routes:
                  images.*: images
                  video.*: {queue: video, routing_key: video.cut, priority: 7}
                  spread.all: spread
                """),
        Site(
            testDescription: "a list of routers",
            settings: """
                task_routes:
                  - {"a.*": {queue: first}, a.exact: exact}
                  - [["b.*", {queue: second, priority: 2}], ["a.*", third]]
                  - {"*": rest}
                """),
        Site(
            testDescription: "pairs", settings: "{task_routes: [[[a.b*, early], [a.*, late], [images.one, one]]]}"),
        Site(
            testDescription: "an exchange of its own",
            settings: """
                task_routes:
                  direct.a: {exchange: elsewhere, routing_key: key}
                  direct.b: {exchange: elsewhere, routing_key: key, queue: named}
                  topic.a: {exchange: topics, exchange_type: topic, routing_key: a.b}
                  topic.b: {exchange_type: topic, queue: named, routing_key: a.b}
                  key.a: {queue: named, routing_key: other}
                """),
        Site(
            testDescription: "missing queues refused",
            settings: """
                task_create_missing_queues: false
                task_queues: [{name: celery}, {name: known}]
                task_routes: {a.*: known, b.*: unknown}
                """),
        Site(
            testDescription: "missing queues of another kind",
            settings: "{task_create_missing_queue_exchange_type: topic, task_create_missing_queue_type: quorum}"),
        Site(
            testDescription: "several bindings",
            settings: """
                task_queues:
                  - name: many
                    bindings:
                      - {exchange: {name: media, type: topic}, routing_key: "video.#"}
                      - {exchange: {name: other, type: direct}, routing_key: x}
                """),
    ]

    static let tasks = [
        "tasks.add", "feed.a", "keyed.a", "images.one", "images.large.a", "video.cut", "spread.all", "a.b", "a.exact",
        "a.bc.d", "b.c", "direct.a", "direct.b", "topic.a", "topic.b", "key.a", "celery.ping",
    ]

    static let asked: [WireObject] = [
        [:], ["queue": "known"], ["queue": "feed"], ["queue": "video"], ["queue": "spread"], ["queue": "many"],
        ["routing_key": "some.key"], ["queue": "video", "routing_key": "video.other"], ["queue": "", "priority": 3],
        ["exchange": "elsewhere", "routing_key": "x"], ["exchange": "elsewhere"],
        ["exchange": "elsewhere", "queue": "images"], ["exchange_type": "topic", "queue": "known"],
        ["exchange": "media", "routing_key": "video.y", "exchange_type": "topic"],
    ]

    @Test("Each task goes where Python sends it", arguments: sites)
    func same(_ site: Site) async throws {
        let yaml = Array(("broker_url: memory://\n" + Self.block(site.settings)).utf8)
        let settings = try CelerySettings(yaml: yaml)
        let app = try CeleryApp(settings: settings)
        let router = CeleryRouter(queues: app.queues, routes: settings.configuration.routes)
        let given = try #require(try WireYAML.decode(yaml).objectValue)
        let driver = try await PythonPeer(
            broker: "memory://", results: "cache+memory://", settings: Dictionary(given.map { ($0, $1) }) { $1 }
        ).startDriver()
        let cases = Self.tasks.flatMap { task in Self.asked.map { (task: task, options: $0) } }
        let answers = try await driver.ask(
            "route",
            ["cases": .array(cases.map { ["task": .string($0.task), "options": .object($0.options)] })]
        )["routes"]?.arrayValue
        for ((task, options), theirs) in zip(cases, try #require(answers)) {
            let asked = CeleryRoute(
                queue: options["queue"]?.stringValue, exchange: options["exchange"]?.stringValue,
                exchangeType: options["exchange_type"]?.stringValue,
                routingKey: options["routing_key"]?.stringValue)
            let comment = Comment("\(task) \(options)")
            do {
                let ours = try router.destination(of: task, asked)
                if theirs["exchange"] == "", theirs["routing_key"]?.isNull != false {
                    Issue.record("Python would lose \(task) \(options), and Swift sends it: \(ours)")
                    continue
                }
                #expect(ours.exchange == theirs["exchange"]?.stringValue, comment)
                #expect(ours.routingKey == theirs["routing_key"]?.stringValue ?? "", comment)
                #expect(ours.declaredQueue.map { [.string($0)] } ?? [] == theirs["declares"]?.arrayValue, comment)
                let priority = options["priority"]?.intValue ?? ours.priority.map { Int($0) }
                #expect(priority == theirs["priority"]?.intValue, comment)
            } catch {
                // What Python refuses, or would send to no queue at all.
                #expect(
                    theirs["refused"] != nil || (theirs["exchange"] == "" && theirs["routing_key"]?.isNull == true),
                    comment)
            }
        }
        await driver.stop()
        await app.close()
    }

    /// The settings as lines of a block mapping.
    private static func block(_ settings: String) -> String {
        guard settings.hasPrefix("{"), settings.hasSuffix("}") else { return settings }
        // A flow mapping can hold what a block does, but nothing can follow it.
        guard let object = try? WireYAML.decode(Array(settings.utf8)).objectValue else { return settings }
        return object.map { name, value in
            let text = (try? WireJSON.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
            return "\(name): \(text)"
        }.joined(separator: "\n")
    }
}
