import CeleriacCore
import CeleriacWire
import CeleryDialect
import Foundation
import Testing

@testable import Celeriac

/// What is done about each setting of Celery's.
@Suite("Verdicts of settings") struct SettingVerdictTests {
    private func settings(_ yaml: String) throws -> CelerySettings { try CelerySettings(yaml: Array(yaml.utf8)) }

    private static var root: URL {
        var root = URL(filePath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        return root
    }

    /// The rows of the page: names, verdicts, what follows them, and tests.
    private static var rows: [[String]] {
        get throws {
            let page = try String(contentsOf: root.appending(path: "Compat/SETTINGS.md"), encoding: .utf8)
            return page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
                line.split(separator: "|").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " `")) }
            }
        }
    }

    @Test("the page lists Celery's settings, each with its verdict")
    func page() throws {
        let rows = try Self.rows
        #expect(SettingNames.celery.count == 207 && Set(SettingNames.all).count == SettingNames.all.count)
        #expect(rows.compactMap(\.first) == SettingNames.celery)
        for row in rows {
            try #require(row.count == 4, "\(row)")
            let verdict = try #require(SettingNames.verdict(of: row[0]))
            #expect(row[1] == verdict.text, "\(row[0])")
            #expect(verdict != .honoured || !row[2].isEmpty, "\(row[0]): what follows it?")
        }
    }

    @Test("the tests that the page names are there, and for what is honoured one of them says its name")
    func tests() throws {
        let folder = Self.root.appending(path: "Tests").path
        var files: [String: [String]] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder) where path.hasSuffix(".swift") {
            let name = URL(filePath: path).deletingPathExtension().lastPathComponent
            files[name, default: []].append("\(folder)/\(path)")
        }
        for row in try Self.rows {
            try #require(row.count == 4, "\(row)")
            let named = row[3].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            let unknown = named.filter { files[$0] == nil }
            #expect(!named.isEmpty && unknown.isEmpty, "\(row[0]): \(unknown)")
            // The tests of this file go through all that have no effect.
            guard row[1] == "honoured" else { continue }
            let saysIt = try named.flatMap { files[$0] ?? [] }.contains { path in
                let text = try String(contentsOfFile: path, encoding: .utf8)
                // One setting's name may begin another's.
                return text.range(of: row[0] + "(?![a-z0-9_])", options: .regularExpression) != nil
            }
            #expect(saysIt, "\(row[0]): \(row[3])")
        }
    }

    @Test("what has no effect is told of with the reason, and what cannot be followed is refused with it")
    func verdicts() throws {
        for name in SettingNames.celery {
            // Whatever the value, but it is none that happens here in any case.
            let layers = [SettingsLayer(place: "the file", [name: "other"])]
            let verdict = try #require(SettingNames.verdict(of: name))
            switch verdict {
            case .honoured: continue
            case .withoutEffect(let reason):
                let settings = try CelerySettings(layers: layers)
                #expect(settings.notices == ["the file sets \(name), which has no effect: \(reason)"])
            case .limited(let values, let reason):
                let error = #expect(throws: CeleriacError.self) { try CelerySettings(layers: layers) }
                #expect(error?.message.contains(reason) == true, "\(name)")
                for value in values + [.null] {
                    _ = try CelerySettings(layers: [SettingsLayer(place: "the file", [name: value])])
                }
            }
        }
    }

    @Test(
        "a broker's address may come in parts",
        arguments: [
            ("broker_host: mq", "amqp://mq"), ("broker_transport: redis", "redis://localhost"),
            (
                "{broker_transport: redis, broker_host: r, broker_port: 6380, broker_vhost: 3, broker_password: 'p@/s'}",
                "redis://:p%40%2Fs@r:6380/3"
            ),
            ("{broker_user: me, broker_password: 'x y', broker_vhost: /}", "amqp://me:x%20y@localhost/%2F"),
            ("{broker_transport: redis, broker_vhost: /1}", "redis://localhost/1"),
            ("{broker_host: '::1', broker_port: '5673', broker_vhost: app}", "amqp://[::1]:5673/app"),
            ("broker_host: amqps://me@mq/v", "amqps://me@mq/v"),
        ])
    func parts(_ yaml: String, _ url: String) throws {
        let settings = try settings(yaml)
        #expect(settings.broker == url && settings.notices.isEmpty)
        let beside = try self.settings("broker_url: memory://\n" + "broker_user: me")
        #expect(beside.broker == "memory://" && beside.notices.count == 1)
        #expect(beside.notices.first?.hasPrefix("broker_user has no effect") == true)
    }

    @Test("parts of addresses that are none are refused by name")
    func noParts() {
        for (yaml, name) in [
            ("broker_port: 70000", "broker_port"), ("broker_port: x", "broker_port"),
            ("broker_vhost: []", "broker_vhost"),
            ("broker_transport: 'my.module:Transport'", "broker_transport"),
            ("{result_backend: redis, redis_port: 0}", "redis_port"),
            ("{result_backend: redis, redis_db: {}}", "redis_db"),
        ] {
            let error = #expect(throws: CeleriacError.self) { try settings(yaml) }
            #expect(error?.code == .configuration && error?.message.contains(name) == true, "\(error?.message ?? "")")
        }
    }

    @Test("results in Redis may have their address in parts")
    func resultParts() throws {
        let parts = "redis_host: r\nredis_port: 6380\nredis_db: 4\n"
        #expect(try settings(parts + "result_backend: redis").results == "redis://r:6380/4")
        #expect(try settings("result_backend: redis").results == "redis://localhost")
        // In a URL, its own database counts.
        #expect(try settings(parts + "result_backend: redis://").results == "redis://r:6380")
        let beside = try settings(parts + "result_backend: redis://other/1")
        #expect(beside.results == "redis://other/1" && beside.notices.count == 3)
        #expect(try settings(parts).results == nil)
    }

    @Test("failures may be kept for a time of their own, and rate limits be disabled")
    func honoured() throws {
        let settings = try settings(
            "{result_failure_expires: 60, worker_disable_rate_limits: true, result_chord_expires: 90, event_exchange: ev}"
        )
        #expect(settings.configuration.failureExpiry == .seconds(60) && settings.worker.disablesRateLimits)
        #expect(settings.configuration.chordExpiry == .seconds(90))
        #expect(settings.configuration.control.eventExchange == "ev")
        let unset = try self.settings("result_failure_expires: null\nworker_disable_rate_limits: false")
        #expect(unset.configuration.failureExpiry == nil && !unset.worker.disablesRateLimits)
    }

    @Test("queues of events are as Celery's, and as the settings say")
    func eventQueues() throws {
        #expect(try settings("event_exchange: ev").configuration.control.eventQueue == EventQueue(name: "celeryev"))
        let queue = try settings(
            "{event_queue_prefix: watch, event_queue_ttl: '9', event_queue_exclusive: false, event_queue_durable: true}"
        ).configuration.control.eventQueue
        let expected = EventQueue(name: "watch", lifetime: .seconds(9), isExclusive: false, isDurable: true)
        #expect(queue == expected)
        let endless = try settings("{event_queue_ttl: null, event_queue_expires: null}").configuration.control
        #expect(endless.eventQueue.lifetime == nil && endless.eventQueue.expiry == nil)
        // A worker has no such queue, so that only a monitor minds.
        let both = try settings("event_queue_durable: true").configuration.control.eventQueue
        #expect(both.isDurable && both.isExclusive)
        for yaml in ["event_queue_ttl: -1", "event_queue_prefix: 5", "event_queue_durable: perhaps"] {
            #expect(throws: CeleriacError.self, "\(yaml)") { try settings(yaml) }
        }
    }

    @Test("the names from before Celery 4 are read, all of them or none")
    func oldNames() throws {
        let old = try settings(
            """
            BROKER_URL: memory://
            CELERYD_CONCURRENCY: 3
            CELERY_ACKS_LATE: true
            CELERY_TASK_RESULT_EXPIRES: 60
            CELERY_DEFAULT_QUEUE: math
            CELERY_RESULT_DBURI: sqlite://
            """)
        #expect(old.broker == "memory://" && old.worker.concurrency == 3)
        #expect(old.configuration.taskDefaults.acknowledgement == .late)
        #expect(old.configuration.resultExpiry == .seconds(60) && old.configuration.defaultQueue == "math")
        #expect(old.notices.count == 1 && old.notices.first?.contains("database_url") == true)

        let error = #expect(throws: CeleriacError.self) { try settings("BROKER_URL: memory://\ntask_acks_late: true") }
        #expect(error?.message.contains("write broker_url for BROKER_URL") == true, "\(error?.message ?? "")")
        // As in Celery, a name may stand beside its own old one.
        let both = try settings("result_expires: 5\nCELERY_TASK_RESULT_EXPIRES: 60")
        #expect(both.configuration.resultExpiry == .seconds(5))
        let unknown = try settings("CELERYD_CONCURENCY: 3").warnings
        #expect(unknown.count == 1 && unknown.first?.hasSuffix("did you mean 'CELERYD_CONCURRENCY'?") == true)
        #expect(OldSettingNames.newName(of: "CELERYD_TASK_SOFT_TIME_LIMIT") == "task_soft_time_limit")
        #expect(OldSettingNames.newName(of: "broker_url") == nil && OldSettingNames.newName(of: "Broker_Url") == nil)
    }

    @Test("all refusals are found, each with the names that it is about")
    func refusals() {
        let layer = SettingsLayer(
            place: "the file",
            [
                "worker_concurrency": "many", "task_default_rate_limit": "often", "task_acks_late": true,
                "redis_backend_credential_provider": "app.Provider",
            ])
        let refusals = SettingRefusal.all(layers: [layer])
        #expect(
            refusals.map(\.names) == [
                ["task_default_rate_limit"], ["worker_concurrency"], ["redis_backend_credential_provider"],
            ])
        #expect(refusals.allSatisfy { $0.error.message.hasPrefix("the file ") })
    }

    @Test("what only RabbitMQ follows is refused beside another broker")
    func otherBrokers() {
        func names(_ broker: WireValue, reading: WireValue = .null) -> [[String]] {
            let values: WireObject = [
                "broker_url": broker, "broker_read_url": reading, "broker_connection_timeout": 10,
                "broker_heartbeat": 30,
            ]
            return SettingRefusal.all(layers: [SettingsLayer(place: "the file", values)]).map(\.names)
        }
        #expect(names("memory://") == [] && names("redis://localhost") == [])
        #expect(names("amqp://localhost") == [] && names("own://here") == [])
        #expect(names("redis://a", reading: "redis://b") == [["broker_read_url"]])
        #expect(names("redis://a", reading: "redis://a") == [] && names("amqp://a", reading: "amqp://b") == [])
        // Of several servers of Redis nobody would know which is meant.
        #expect(names(["redis://a", "redis://b"]) == [["broker_url"]])
        #expect(names("valkey://a;valkey://b") == [["broker_url"]])
        #expect(names(["amqp://a", "amqp://b"]) == [] && names("sentinel://a;sentinel://b") == [])
    }

    @Test("secrets are masked as Celery masks them")
    func secrets() {
        for (name, value, masked) in [
            ("broker_url", "amqp://me:p;@ss@h;amqp://i/v", "amqp://me:********@h;amqp://i/v"),
            ("result_backend", "redis://:x@h/1", "redis://:********@h/1"), ("redis_password", "x", "********"),
            ("broker_url", "redis://h:6379/0", "redis://h:6379/0"), ("timezone", "UTC", "UTC"),
        ] as [(String, WireValue, WireValue)] {
            #expect(SettingSecrets.masked(name, value) == masked)
        }
        #expect(
            SettingSecrets.masked("broker_transport_options", ["sentinel_kwargs": ["password": "x"], "sep": ":"])
                == ["sentinel_kwargs": ["password": "********"], "sep": ":"])
    }
}
