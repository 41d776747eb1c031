import CeleriacCore
import CeleriacWire
import CeleryDialect
import Testing

@testable import Celeriac

/// Settings files made of what workers tell of themselves.
@Suite("Settings file like a worker's") struct WorkerSettingsFileTests {
    /// What a worker of Celery 5.7 replies to `inspect conf`.
    private static let conf = #"""
        {"broker_url": "redis://:********@localhost:6379/0", "result_backend": "redis://localhost/1",
        "deprecated_settings": null, "task_acks_late": true, "worker_prefetch_multiplier": 1,
        "task_default_queue": "math", "task_time_limit": 60, "result_expires": "2:00:00",
        "task_routes": {"images.*": {"queue": "images", "routing_key": "********"}},
        "task_default_routing_key": "********",
        "broker_transport_options": {"global_keyprefix": "********", "visibility_timeout": 3600},
        "beat_schedule": {"nightly": {"task": "tasks.report", "schedule": "<crontab: 0 3 * * * (m/h/dM/MY/d)>"},
        "often": {"task": "tasks.add", "schedule": "0:00:30", "args": [1, 2]},
        "n": {"task": "tasks.add", "schedule": 10.0}}, "timezone": "Europe/Berlin", "worker_pool": "prefork",
        "imports": ["proj.tasks"], "redis_password": "********", "database_url": "********",
        "accept_content": ["json", "pickle"],
        "task_queues": [{"name": "math", "exchange": {"name": "math", "type": "direct", "arguments": null,
        "durable": true, "passive": false, "auto_delete": false, "delivery_mode": null, "no_declare": false},
        "routing_key": "math", "queue_arguments": null, "binding_arguments": null, "consumer_arguments": null,
        "durable": true, "exclusive": false, "auto_delete": false, "no_ack": false, "alias": null, "bindings": [],
        "no_declare": null, "expires": null, "message_ttl": null, "max_length": null, "max_length_bytes": null,
        "max_priority": null}], "broker_connection_retry": false, "my_own": "thing",
        "worker_max_tasks_per_child": 100, "event_serializer": "yaml", "worker_state_db": null,
        "result_extended": true}
        """#

    private func file(_ conf: String) throws -> WorkerSettingsFile {
        let object = try #require(try WireJSON.decode(Array(conf.utf8)).objectValue)
        return WorkerSettingsFile(of: "celery@web1", conf: object)
    }

    @Test("secrets are left to fill in, and what is not followed stands in comments")
    func bytes() throws {
        let file = try file(Self.conf)
        let expected = #"""
            # Settings of celery@web1 that are not Celery's defaults, as the worker tells them.
            # It tells no secrets. Set variables of these names, or put them in their places:
            #   ${BROKER_TRANSPORT_OPTIONS_GLOBAL_KEYPREFIX}
            #   ${BROKER_URL_PASSWORD}
            #   ${REDIS_PASSWORD}
            #   ${TASK_DEFAULT_ROUTING_KEY}
            #   ${TASK_ROUTES_IMAGES___ROUTING_KEY}
            accept_content: ["json", "pickle"]
            beat_schedule: {"nightly": {"task": "tasks.report", "schedule": "0 3 * * *"}, "often": {"task": "tasks.add", "schedule": 30, "args": [1, 2]}, "n": {"task": "tasks.add", "schedule": 10.0}}
            broker_connection_retry: false
            broker_transport_options: {"global_keyprefix": "${BROKER_TRANSPORT_OPTIONS_GLOBAL_KEYPREFIX}"}
            broker_url: "redis://:${BROKER_URL_PASSWORD}@localhost:6379/0"
            event_serializer: "yaml"
            redis_password: "${REDIS_PASSWORD}"
            result_backend: "redis://localhost/1"
            result_expires: 7200
            result_extended: true
            task_acks_late: true
            task_default_queue: "math"
            task_default_routing_key: "${TASK_DEFAULT_ROUTING_KEY}"
            task_queues: [{"name": "math", "exchange": {"name": "math", "type": "direct", "arguments": null, "durable": true, "passive": false, "auto_delete": false, "delivery_mode": null, "no_declare": false}, "routing_key": "math", "queue_arguments": null, "binding_arguments": null, "consumer_arguments": null, "durable": true, "exclusive": false, "auto_delete": false, "no_ack": false, "alias": null, "bindings": [], "no_declare": null, "expires": null, "message_ttl": null, "max_length": null, "max_length_bytes": null, "max_priority": null}]
            task_routes: {"images.*": {"queue": "images", "routing_key": "${TASK_ROUTES_IMAGES___ROUTING_KEY}"}}
            task_time_limit: 60
            timezone: "Europe/Berlin"
            worker_pool: "prefork"
            worker_prefetch_multiplier: 1

            # The worker also has these settings.
            # database_url: "********"
            #   it has no effect here: result_backend alone chooses the result store
            # imports: ["proj.tasks"]
            #   it has no effect here: handlers are compiled into the program
            # "my_own": "thing"
            #   Celery has no such setting
            # worker_max_tasks_per_child: 100
            #   it has no effect here: handlers run in this process, not in children

            """#
        #expect(file.text == expected)

        // A file that nobody has filled in is refused, not used as it is.
        let unfilled = #expect(throws: CeleriacError.self) { try CelerySettings(yaml: Array(file.text.utf8)) }
        #expect(unfilled?.code == .configuration)
        let values = Dictionary(uniqueKeysWithValues: file.secrets.map { ($0, "filled-\($0)") })
        let settings = try CelerySettings(yaml: Array(file.text.utf8), environment: values)
        #expect(settings.notices.count == 1 && settings.notices[0].hasPrefix("accept_content has pickle"))
        #expect(!settings.worker.retriesLostConnection)
        #expect(settings.configuration.acceptContent.count == 1)
        #expect(settings.configuration.defaultQueue == "math" && settings.configuration.resultExpiry == .seconds(7200))
        let prefix = "filled-BROKER_TRANSPORT_OPTIONS_GLOBAL_KEYPREFIX"
        #expect(settings.configuration.redis.keyPrefix == prefix)
        #expect(settings.broker == "redis://:filled-BROKER_URL_PASSWORD@localhost:6379/0")
        #expect(settings.schedule?.entries.map(\.name) == ["nightly", "often", "n"])
        #expect(settings.worker.queues.map(\.name) == ["math"])
    }

    @Test("of a broadcast each worker has a queue of its own, and a mapping of queues is a list of them")
    func broadcasts() throws {
        let queue = #"""
            {"name": "bcast.5f", "queue": "bcast.5f", "alias": "news", "auto_delete": true, "routing_key": "",
            "exchange": {"name": "news", "type": "fanout"}}
            """#
        let expected: WireValue = [["name": "news", "broadcast": true]]
        #expect(try file(#"{"task_queues": [\#(queue)]}"#).settings["task_queues"] == expected)
        #expect(try file(#"{"task_queues": {"any": \#(queue)}}"#).settings["task_queues"] == expected)
        // One whose name is no accident is everybody's.
        let named = queue.replacing("bcast.5f", with: "bulletins")
        let shared = try file(#"{"task_queues": [\#(named)]}"#)
        let settings = try CelerySettings(yaml: Array(shared.text.utf8))
        #expect(settings.worker.queues.map(\.name) == ["bulletins"] && settings.worker.queues[0].alias == "news")
    }

    #if AMQP
    @Test("what a worker here tells makes a file for another, with its queues and without passwords")
    func own() async throws {
        let yaml = """
            broker_url: amqp://m%40e:pw0rd@mq/v
            broker_read_url: amqp://me:pw0rd@replica/v
            broker_use_ssl: {ca_certs: /ca.pem, cert_reqs: CERT_REQUIRED}
            result_backend: rpc
            task_queues:
              - {name: math, exchange: sums, exchange_type: topic, routing_key: "math.#"}
              - {name: news, broadcast: true}
            task_default_queue: math
            task_default_routing_key: math.add
            task_create_missing_queues: false
            task_queue_max_priority: 9
            worker_direct: true
            """
        let settings = try CelerySettings(yaml: Array(yaml.utf8))
        let app = try CeleryApp(settings: settings)
        let conf = app.controlSettings(of: settings.worker, control: settings.configuration.control)
        await app.close()
        let file = WorkerSettingsFile(of: "celery@swift", conf: conf)
        #expect(!file.text.contains("pw0rd"))
        #expect(file.secrets == ["BROKER_READ_URL_PASSWORD", "BROKER_URL_PASSWORD"])
        let values = Dictionary(uniqueKeysWithValues: file.secrets.map { ($0, "pw0rd") })

        let again = try CelerySettings(yaml: Array(file.text.utf8), environment: values)
        #expect(again.broker?.contains("://m%40e:pw0rd@mq:") == true && again.results == "rpc://")
        let (connections, known) = (again.configuration.amqp.connections, settings.configuration.amqp.connections)
        #expect(connections.readURL == known.readURL && connections.tls == known.tls)
        #expect(again.configuration.servesDirectQueues && again.configuration.defaultRoutingKey == "math.add")
        let queues = again.configuration.queueTable()
        #expect(queues.queue("math") == settings.configuration.queueTable().queue("math"))
        #expect(queues.queue("math")?.arguments == ["x-max-priority": 9] && queues.queue("other") == nil)
        let (ours, theirs) = (again.worker.queues.last, settings.worker.queues.last)
        #expect(ours?.alias == "news" && theirs?.alias == "news" && ours?.name != theirs?.name)
    }
    #endif

    @Test("of what a worker here tells, the file leaves out what is as Celery has it")
    func defaults() async throws {
        let settings = try CelerySettings(yaml: Array("broker_url: memory://".utf8))
        let app = try CeleryApp(settings: settings)
        let conf = app.controlSettings(of: settings.worker, control: settings.configuration.control)
        await app.close()
        let kept = SettingDefaults.removed(from: conf)
        // These are as Celery has them nowhere, or have no default.
        let own: Set = [
            "broker_url", "task_acks_late", "task_reject_on_worker_lost", "worker_concurrency",
            "worker_hijack_root_logger", "worker_log_color",
        ]
        let strangers = Set(kept.keys).subtracting(own)
        #expect(strangers.isEmpty)
        #expect(kept["task_acks_late"] == true)
    }

    @Test("what differs from a default is kept, and a null that says something")
    func differing() {
        let conf: WireObject = [
            "task_default_queue": "math", "task_default_exchange": "math", "task_default_routing_key": "celery",
            "broker_connection_retry": false, "broker_connection_retry_on_startup": true, "task_acks_late": false,
            "result_expires": nil, "task_publish_retry_policy": ["max_retries": 4], "timezone": nil,
            "broker_transport_options": ["visibility_timeout": 600, "sep": "\u{06}\u{16}", "maximum_parked": nil],
            "worker_state_db": nil, "result_chord_retry_interval": 1.0, "enable_utc": false, "task_repr_maxlevels": nil,
        ]
        let kept: WireObject = [
            "task_default_queue": "math", "task_default_routing_key": "celery", "broker_connection_retry": false,
            "broker_connection_retry_on_startup": true, "task_acks_late": false, "result_expires": nil,
            "task_publish_retry_policy": ["max_retries": 4], "timezone": nil,
            "broker_transport_options": ["visibility_timeout": 600], "enable_utc": false, "task_repr_maxlevels": nil,
        ]
        #expect(SettingDefaults.removed(from: conf) == kept)
        #expect(SettingDefaults.removed(from: ["result_expires": "1 day, 0:00:00"]).isEmpty)
    }

    @Test("a worker tells the zone and the form of events that its settings name")
    func named() async throws {
        for (yaml, zone, usesUTC, form) in [
            ("timezone: Europe/Berlin\nenable_utc: false\nevent_serializer: yaml", "Europe/Berlin", false, "yaml"),
            ("task_acks_late: true", .null, true, "json"),
        ] as [(String, WireValue, WireValue, WireValue)] {
            let settings = try CelerySettings(yaml: Array("broker_url: memory://\n\(yaml)".utf8))
            let app = try CeleryApp(settings: settings)
            let conf = app.controlSettings(of: settings.worker, control: settings.configuration.control)
            await app.close()
            #expect(conf["timezone"] == zone && conf["enable_utc"] == usesUTC && conf["event_serializer"] == form)
        }
    }

    @Test("a setting without which another is refused takes that with it")
    func dependants() throws {
        let queue = #""control_queue_durable": true, "control_queue_exclusive": "perhaps""#
        let file = try file("{\(queue), \"task_acks_late\": true}")
        #expect(file.settings == ["task_acks_late": true])
        #expect(file.omissions.map(\.name) == ["control_queue_durable", "control_queue_exclusive"])
    }

    @Test("what a worker tells ends no comment and no line")
    func hostile() throws {
        let text = try file(
            #"{"cassandra_\nbroker_url": "x", "worker_pool": "a\nbroker_url: b", "my\nown": ["\n"], "imports": "\n\r"}"#
        ).text
        #expect(text.split(separator: "\n").filter { !$0.hasPrefix("#") } == [#"worker_pool: "a\u000abroker_url: b""#])
        let node = WorkerSettingsFile(of: "celery@a\nb\u{2028}c", conf: [:])
        #expect(node.text.split(whereSeparator: \.isNewline).count == 1 && node.secrets.isEmpty)
    }

    @Test(
        "durations are read as Python writes them",
        arguments: [
            ("0:00:30", WireValue.int(30)), ("2:00:00", 7200), ("1 day, 0:00:00", 86_400),
            ("-1 day, 23:59:59.500000", .double(-0.5)), ("400 days, 1:02:03", 34_563_723), ("2:00", nil),
            ("24:00:00", nil), ("1:2:03", nil), ("days, 0:00:30", nil), ("9223372036854775807 days, 0:00:00", nil),
            ("::", nil), ("", nil),
        ] as [(String, WireValue?)])
    func durations(_ text: String, _ expected: WireValue?) {
        #expect(PythonDuration.seconds(text) == expected)
    }
}
