import CeleriacCore
import CeleriacTestKit
import CeleryDialect
import Logging
import NIOPosix
import Testing

@testable import Celeriac

/// What a settings file may say. Its effect on tasks is tested beside the dialect.
@Suite("Settings file") struct SettingsFileTests {
    private func settings(_ yaml: String) throws -> CelerySettings { try CelerySettings(yaml: Array(yaml.utf8)) }

    @Test(
        "a name that nobody knows sets nothing, and is told of with the one that was meant; read strictly it is an error",
        arguments: [
            ("worker_concurency: 4", "worker_concurrency"), ("BROKER_URLS: x", "broker_url"),
            ("task_ack_late: true", "task_acks_late"), ("worker_prefetch_multiplyer: 1", "worker_prefetch_multiplier"),
        ])
    func misspelled(_ yaml: String, _ meant: String) throws {
        let name = yaml.prefix { $0 != ":" }
        let warning = "the settings file has the unknown key '\(name)', which sets nothing: did you mean '\(meant)'?"
        #expect(try settings(yaml).warnings == [warning])
        let error = #expect(throws: CeleriacError.self) {
            try CelerySettings(yaml: Array(yaml.utf8), isStrict: true)
        }
        #expect(error?.code == .configuration && error?.message == warning)
    }

    @Test("nothing is suggested for what is like nothing, and what stands beside it is read")
    func unknown() throws {
        let settings = try settings("my_own_thing: 4\ntask_default_queue: math")
        #expect(settings.warnings == ["the settings file has the unknown key 'my_own_thing', which sets nothing"])
        #expect(settings.configuration.defaultQueue == "math")
        // Of the options of a transport, too.
        let options = try self.settings("broker_transport_options: {visibility: 5, visibility_timeout: 60}")
        #expect(options.warnings == ["broker_transport_options has the unknown key 'visibility', which sets nothing"])
        #expect(options.configuration.redis.visibilityTimeout == .seconds(60))
        _ = try CelerySettings(yaml: Array("task_default_queue: math".utf8), isStrict: true)
    }

    @Test("a setting that can have no effect is taken, and told of with the reason")
    func idle() throws {
        let settings = try settings(
            """
            broker_url: memory://
            imports: [proj.tasks]
            worker_max_tasks_per_child: 100
            worker_log_format: "%(message)s"
            cassandra_keyspace: celery
            """)
        #expect(settings.notices.count == 4)
        for name in ["imports", "worker_max_tasks_per_child", "worker_log_format", "cassandra_keyspace"] {
            #expect(settings.notices.contains { $0.contains("sets \(name), which has no effect: ") }, "\(name)")
        }
    }

    @Test("a setting that cannot be followed is taken with what happens in any case, and else refused by name")
    func inherent() throws {
        let name = "redis_backend_credential_provider"
        _ = try settings("\(name): null\ntask_allow_error_cb_on_chord_header: null")
        let error = #expect(throws: CeleriacError.self) { try settings("\(name): app.Provider") }
        #expect(error?.code == .configuration && error?.message.contains(name) == true, "\(error?.message ?? "")")
        // A worker that is lost cannot retry, and its messages come back in any case.
        let lost = try settings("task_retry_on_worker_lost: true").notices
        #expect(lost.count == 1 && lost.first?.contains("task_retry_on_worker_lost") == true)
    }

    @Test("auth needs keys, and keys have no effect without it; results are not signed")
    func signing() throws {
        #if Signing
        let reason = "security_key"
        #else
        let reason = "the package trait Signing"
        #endif
        for yaml in ["task_serializer: auth", "accept_content: [auth]", "event_serializer: auth"] {
            let error = #expect(throws: CeleriacError.self) { try settings(yaml) }
            #expect(error?.code == .configuration && error?.message.contains(reason) == true, "\(yaml)")
        }
        let files = "security_key: none\nsecurity_certificate: none\nsecurity_cert_store: none\n"
        #expect(try settings(files).notices.contains { $0.contains("security_key") && $0.contains("no effect") })
        let unread = #expect(throws: CeleriacError.self) { try settings(files + "task_serializer: auth") }
        #expect(unread?.code == .configuration)
        for yaml in ["result_serializer: auth", "result_accept_content: [auth]"] {
            let error = #expect(throws: CeleriacError.self) { try settings(yaml) }
            #expect(error?.code == .configuration, "\(yaml)")
        }
        #expect(try settings("event_serializer: json").notices.isEmpty)
        let unsigned = try settings("event_serializer: msgpack")
        #expect(!unsigned.configuration.signsEvents && unsigned.notices.isEmpty)
        #expect(unsigned.configuration.eventForm == .msgpack)
        for other in ["pickle", "own"] {
            let replaced = try settings("event_serializer: \(other)")
            #expect(replaced.configuration.eventForm == .json && replaced.notices.count == 1)
        }
    }

    @Test("connections to RabbitMQ: several URLs, and what holds for them all")
    func connections() throws {
        #expect(try settings("broker_url: [amqp://a, amqps://b]").broker == "amqp://a;amqps://b")
        #expect(try settings("broker_url: amqp://a;amqp://b").broker == "amqp://a;amqp://b")
        let apart = try settings("broker_url: amqp://a\nbroker_write_url: [amqp://w, amqp://v]")
        #expect(apart.broker == "amqp://w;amqp://v")
        #expect(apart.configuration.amqp.connections.readURL == "amqp://a")
        let read = try settings("broker_read_url: amqp://r\nbroker_url: amqp://a\nbroker_write_url: amqp://w")
        #expect(read.broker == "amqp://w" && read.configuration.amqp.connections.readURL == "amqp://r")
        let connections = try settings(
            """
            broker_url: amqp://a
            broker_failover_strategy: shuffle
            broker_connection_timeout: 2.5
            broker_heartbeat: 30
            broker_login_method: EXTERNAL
            broker_native_delayed_delivery_queue_type: classic
            """
        ).configuration.amqp
        #expect(connections.connections.isShuffled && connections.connections.usesCertificate)
        #expect(connections.connections.timeout == .seconds(2.5) && connections.connections.heartbeat == .seconds(30))
        #expect(try settings("broker_connection_retry_on_startup: null").worker.retriesFirstConnection)
        #expect(try !settings("broker_connection_retry_on_startup: false").worker.retriesFirstConnection)
        let once = try settings("broker_connection_retry: false")
        #expect(!once.worker.retriesFirstConnection && once.notices.count == 1)
        let both = try settings("broker_connection_retry: false\nbroker_connection_retry_on_startup: true")
        #expect(both.worker.retriesFirstConnection)
        let python = try settings("broker_failover_strategy: proj.brokers.nearest")
        #expect(!python.configuration.amqp.connections.isShuffled && python.notices.count == 1)
        #expect(try settings("broker_connection_max_retries: 7").worker.maximumFirstRetries == 7)
        for none in ["0", "null"] {
            #expect(try settings("broker_connection_max_retries: \(none)").worker.maximumFirstRetries == nil)
        }
        #expect(connections.delayQueueType == .classic && connections.connections.tls == nil)
        for yaml in [
            "broker_url: []", "broker_url: [5]", "broker_read_url: 5", "broker_failover_strategy: mine",
            "broker_connection_timeout: 0", "broker_heartbeat: 70000", "broker_heartbeat: 0.5",
            "broker_login_method: GSSAPI", "broker_use_ssl: 5", "broker_use_ssl: {ciphers: ALL}",
            "broker_use_ssl: {cert_reqs: MAYBE}", "broker_use_ssl: {certfile: /c.pem}",
            "broker_native_delayed_delivery_queue_type: stream", "broker_connection_max_retries: -1",
        ] {
            let name = yaml.prefix { $0 != ":" }
            let error = #expect(throws: CeleriacError.self, "\(yaml)") { try settings(yaml) }
            #expect(error?.code == .configuration && error?.message.contains(name) == true, "\(error?.message ?? "")")
        }
    }

    @Test("broker_use_ssl is read as py-amqp reads it, but the authorities of the system vouch for the host as well")
    func tls() throws {
        func tls(_ yaml: String) throws -> CeleryAMQPConnections.TLS? {
            try settings("broker_use_ssl: \(yaml)").configuration.amqp.connections.tls
        }
        #expect(try tls("false") == nil)
        #expect(try tls("true") == CeleryAMQPConnections.TLS())
        var named = CeleryAMQPConnections.TLS()
        (named.authorities, named.certificate, named.key) = ("/ca.pem", "/c.pem", "/k.pem")
        named.checksHost = false
        #expect(
            try tls("{ca_certs: /ca.pem, certfile: /c.pem, keyfile: /k.pem, cert_reqs: CERT_REQUIRED}") == named)
        #expect(try tls("{ca_certs: /ca.pem, server_hostname: null}")?.checksHost == true)
        #expect(try tls("{ca_certs: /ca.pem, server_hostname: rabbit}")?.host == "rabbit")
        for name in ["CERT_NONE", "cert_none", "0"] {
            #expect(try tls("{cert_reqs: \(name)}")?.isVerified == false, "\(name)")
        }
        #expect(try tls("{cert_reqs: 2}")?.isVerified == true)
    }

    @Test("what only RabbitMQ's connections follow is refused by name for other brokers")
    func connectionsOfOthers() throws {
        for (yaml, name) in [
            ("broker_use_ssl: true", "broker_use_ssl"), ("broker_read_url: redis://b", "broker_read_url"),
            ("broker_connection_timeout: 9", "broker_connection_timeout"),
        ] {
            let settings = try settings("broker_url: memory://\n" + yaml)
            let error = #expect(throws: CeleriacError.self) { try CeleryApp(settings: settings) }
            #expect(error?.code == .configuration && error?.message.contains(name) == true, "\(error?.message ?? "")")
        }
        _ = try CeleryApp(
            settings: try settings("broker_url: memory://\nbroker_connection_timeout: 4\nbroker_heartbeat: 0"))
        // The same broker by several names.
        for names in [["broker_url", "broker_read_url"], ["broker_url", "broker_write_url"]] {
            let yaml = names.map { "\($0): memory://" }.joined(separator: "\n")
            _ = try CeleryApp(settings: try settings(yaml))
        }
    }

    #if AMQP
    @Test("shuffled brokers are in one order for tasks and for the results that come back over them")
    func shuffled() throws {
        let urls = (0..<20).map { "amqp://broker\($0)" }.joined(separator: ";")
        func factory(_ strategy: String) throws -> CeleryTransportFactory {
            CeleryTransportFactory(
                configuration: try settings("broker_failover_strategy: \(strategy)").configuration,
                eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: Logger(label: "test"))
        }
        let shuffling = try factory("shuffle")
        let order = try shuffling.broker(url: urls).name
        let given = try factory("round-robin").broker(url: urls).name
        // The given order is one of twenty factorial.
        #expect(order != given && Set(order.split(separator: ";")) == Set(given.split(separator: ";")))
        #expect(try shuffling.results(url: "rpc://", brokerURL: urls).name == "rpc via " + order)
        #expect(Set(order.split(separator: ";")).count == 20)
    }
    #endif

    @Test("workers: auto, no limit, and what is wrong")
    func workers() throws {
        #expect(try settings("worker_concurrency: auto").worker.concurrency >= 1)
        #expect(try settings("worker_prefetch_multiplier: 0").worker.prefetchMultiplier == 1_000)
        let disabled = try settings("worker_disable_prefetch: true\nworker_prefetch_multiplier: 3").worker
        #expect(disabled.disablesPrefetch && disabled.prefetchMultiplier == 3)
        #expect(try !settings("worker_disable_prefetch: false").worker.disablesPrefetch)
        #expect(try settings("worker_pool: solo\nworker_state_db: /x").worker.stateFile == "/x")
        let soft = try settings("worker_soft_shutdown_timeout: 3.5\nworker_enable_soft_shutdown_on_idle: true").worker
        #expect(soft.softShutdownTimeout == .seconds(3.5) && soft.softShutdownIsForIdle)
        #expect(try settings("worker_eta_task_limit: 5").worker.maximumScheduledTasks == 5)
        for none in ["0", "null"] {
            #expect(try settings("worker_eta_task_limit: \(none)").worker.maximumScheduledTasks == nil)
        }
        #expect(try settings("control_exchange: other").configuration.control.namespace == "other")
        for yaml in [
            "worker_eta_task_limit: -1", "worker_eta_task_limit: many",
            "worker_concurrency: 1.5", "worker_concurrency: many", "worker_prefetch_multiplier: -1", "task_queues: 5",
            "task_queues: [{exchange: b}]", "task_queues: [{name: a, x: 1}]",
            "task_default_queue_type: stream", "enable_utc: false", "beat_schedule: 5", "timezone: Nowhere/Land",
        ] {
            #expect(throws: CeleriacError.self, "\(yaml)") { try settings(yaml) }
        }
    }

    @Test("publishing again: Celery's policy, what a policy leaves out, and none")
    func publishRetry() throws {
        func policy(_ yaml: String) throws -> PublishRetry { try settings(yaml).configuration.publishRetry }
        #expect(try policy("task_publish_retry: true") == PublishRetry())
        #expect(try policy("task_publish_retry: false") == .never)
        #expect(
            try policy("task_publish_retry_policy: {max_retries: 5, interval_start: 0, interval_step: 0.5}")
                == PublishRetry(maximumRetries: 5, start: .zero, step: .milliseconds(500), maximum: .seconds(1)))
        #expect(
            try policy("task_publish_retry_policy: {max_retries: null, interval_max: 3}")
                == PublishRetry(maximumRetries: nil, start: .seconds(1), step: .seconds(1), maximum: .seconds(3)))
        let none = "task_publish_retry: false\ntask_publish_retry_policy: {max_retries: 5}"
        #expect(try settings(none).configuration.publishRetries == 0)
        for yaml in [
            "task_publish_retry: 5", "task_publish_retry_policy: 3", "task_publish_retry_policy: {max_retries: -1}",
            "task_publish_retry_policy: {max_retries: x}", "task_publish_retry_policy: {interval_start: -1}",
        ] {
            #expect(throws: CeleriacError.self, "\(yaml)") { try settings(yaml) }
        }
        let python = try settings("task_publish_retry_policy: {max_retries: 5, retry_errors: [OSError], tries: 2}")
        #expect(python.notices.count == 1 && python.warnings.count == 1)
        #expect(python.configuration.publishRetry.maximumRetries == 5)
    }

    @Test("queues and their arguments at RabbitMQ")
    func queues() throws {
        let settings = try settings(
            """
            task_default_queue: math
            task_default_queue_type: quorum
            task_create_missing_queue_type: quorum
            task_queue_max_priority: 5
            task_queues: {high: {exchange: high, routing_key: high, queue_arguments: {x-expires: 1000}}, low: null}
            """)
        #expect(settings.worker.queues.map(\.name) == ["high", "low"])
        let queues = settings.configuration.queueTable()
        #expect(queues.queue("other")?.arguments == ["x-queue-type": "quorum", "x-max-priority": 5])
        #expect(queues.queue("high")?.arguments == ["x-expires": 1000, "x-max-priority": 5])
        #expect(queues.queue("low")?.bindings == [TaskQueue.Binding("math", routingKey: "low")])
        let single = try self.settings("task_default_queue: math\ntask_default_queue_type: quorum")
        #expect(single.configuration.queueTable().queue("math")?.arguments == ["x-queue-type": "quorum"])
        #expect(single.configuration.queueTable().queue("other")?.arguments == [:])
        let classic = try self.settings("task_default_queue_type: classic\ntask_create_missing_queue_type: classic")
        #expect(
            classic.configuration.queueTable().queue("celery")?.arguments == [:] && classic.worker.queues == ["celery"])
    }

    @Test("a program's own settings hold where the file says nothing")
    func own() throws {
        var own = CelerySettings()
        own.broker = "redis://own"
        own.worker.queues = ["own"]
        own.worker.concurrency = 3
        own.configuration.taskDefaults.tracksStarted = true
        let file = try SettingsLayer(
            yaml: Array("task_default_queue: math\nworker_concurrency: 5\ntask_acks_late: true".utf8), place: "the file"
        )
        let settings = try CelerySettings(over: own, layers: [file])
        #expect(
            settings.broker == "redis://own" && settings.worker.queues == ["own"] && settings.worker.concurrency == 5)
        let options = settings.configuration.taskDefaults
        #expect(options.tracksStarted == true && options.acknowledgement == .late)
        let error = #expect(throws: CeleriacError.self) {
            try CelerySettings(layers: [file, SettingsLayer(place: "--concurrency", ["worker_concurrency": "many"])])
        }
        #expect(error?.message.hasPrefix("--concurrency needs a number") == true)
    }
}
