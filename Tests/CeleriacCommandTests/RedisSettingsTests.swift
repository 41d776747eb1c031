#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacWire
import CeleryDialect
import CeleryWire
import Testing

@testable import Celeriac

/// What settings say of connections to Redis.
@Suite("Settings of connections to Redis") struct RedisSettingsTests {
    private func configuration(_ yaml: String) throws -> CeleryConfiguration {
        try CelerySettings(yaml: Array(yaml.utf8)).configuration
    }

    private func options(_ object: WireObject) throws -> RedisConnectionOptions {
        var options = RedisConnectionOptions()
        var section = SettingsSection(.object(object), "the options")
        try options.read(&section)
        try section.finish()
        return options
    }

    @Test("encryption, login and timeouts")
    func connections() throws {
        let configuration = try configuration(
            """
            broker_url: redis://h/0
            broker_use_ssl: {ssl_cert_reqs: ssl.CERT_NONE, ca_certs: ca.pem, ssl_certfile: c.pem, keyfile: k.pem}
            redis_backend_use_ssl: {ssl_cert_reqs: 2, ssl_check_hostname: false}
            redis_username: me
            redis_password: secret
            redis_client_name: mine
            redis_socket_timeout: 7
            redis_socket_connect_timeout: 3.5
            """)
        let broker = try configuration.brokerConnections.server(url: "redis://h/0")
        #expect(
            broker.tls
                == RedisTLS(caFile: "ca.pem", certificateFile: "c.pem", keyFile: "k.pem", verification: .none))
        #expect(broker.user == nil && broker.password == nil && broker.clientName == nil)
        let results = try configuration.resultConnections.server(url: "redis://h/1")
        #expect(results.tls == RedisTLS(verification: .noHostname))
        #expect(results.user == "me" && results.password == "secret" && results.clientName == "mine")
        #expect(results.commandTimeout == .seconds(7) && results.connectTimeout == .seconds(3.5))
        // What the URL itself says goes before.
        let own = try configuration.resultConnections.server(url: "rediss://u:p@h?ssl_ca_certs=x.pem")
        #expect(own.tls == RedisTLS(caFile: "x.pem") && own.user == "u" && own.password == "p")
    }

    @Test("how long connecting to the broker may take, unless its own option says it")
    func connecting() throws {
        let plain = "broker_url: redis://h\nbroker_connection_timeout: 2.5\n"
        #expect(try configuration(plain).brokerConnections.server(url: "redis://h").connectTimeout == .seconds(2.5))
        #expect(try configuration(plain).amqp.connections.settingOfRabbitMQ(besides: "redis://h") == nil)
        var options = try configuration(plain).brokerConnections
        var section = SettingsSection(["socket_connect_timeout": 7], "the options")
        try options.read(&section)
        #expect(try options.server(url: "redis://h").connectTimeout == .seconds(7))
    }

    @Test("encryption by true and not at all")
    func flags() throws {
        let on = try configuration("broker_url: valkey://h\nbroker_use_ssl: true\nredis_backend_use_ssl: false")
        #expect(try on.brokerConnections.server(url: "valkey://h").tls == RedisTLS())
        #expect(try on.resultConnections.server(url: "redis://h").tls == nil)
        #expect(try configuration("broker_url: amqp://h\nbroker_use_ssl: true").amqp.connections.tls != nil)
        let off = try configuration("broker_url: amqp://h\nbroker_use_ssl: false\nredis_socket_timeout: null")
        #expect(off.amqp.connections.tls == nil)
    }

    @Test("sentinels with a login and encryption of their own")
    func sentinels() throws {
        let options = try options([
            "master_name": "mymaster", "min_other_sentinels": 1, "sentinel_fanout_compat": false,
            "sentinel_kwargs": [
                "username": "asker", "password": "theirs", "ssl": true, "ssl_cert_reqs": "none",
                "socket_timeout": 0.5, "socket_keepalive": true,
            ],
            "socket_timeout": 20, "socket_connect_timeout": 4, "socket_keepalive": true, "client_name": "c",
        ])
        let server = try options.server(url: "sentinel://:pw@a:1/2;sentinel://b")
        let sentinels = try #require(server.sentinels)
        #expect(sentinels.addresses.map(\.description) == ["a:1", "b:26379"] && sentinels.primaryName == "mymaster")
        #expect(sentinels.user == "asker" && sentinels.password == "theirs" && sentinels.minimumOthers == 1)
        #expect(sentinels.tls == RedisTLS(verification: .none) && sentinels.timeout == .seconds(0.5))
        #expect(server.password == "pw" && server.database == 2 && server.tls == nil && server.clientName == "c")
        #expect(server.commandTimeout == .seconds(20) && server.connectTimeout == .seconds(4))
    }

    @Test("options that change nothing are taken, and told of")
    func idle() throws {
        let yaml = "broker_transport_options: {socket_keepalive: true, max_connections: 5, master_name: m}"
        let notices = try CelerySettings(yaml: Array(yaml.utf8)).notices
        #expect(notices.count == 2)
        #expect(notices.allSatisfy { $0.hasPrefix("broker_transport_options sets ") })
        let others = """
            broker_transport_options: {confirm_publish: true, polling_interval: 1, visibility_timeout: 60}
            result_backend_transport_options: {visibility_timeout: 60, polling_interval: 1}
            """
        #expect(try CelerySettings(yaml: Array(others.utf8)).notices.count == 3)
    }

    @Test("every other option of kombu's transports and of Celery's store is taken, and told of by name")
    func taken() throws {
        let names = [
            "unacked_restore_limit", "unacked_restore_interval", "unacked_restore_throttle",
            "unacked_mutex_expire", "queue_order_strategy", "deadletter_queue",
            "health_check_interval", "reauth_check_interval", "client_properties", "frame_max", "channel_max",
            "socket_settings",
            "login_response", "read_timeout", "write_timeout", "max_retries", "interval_start", "interval_step",
            "interval_max", "connect_retries_timeout", "errback", "callback", "retry_policy",
            "additional_connection_errors",
        ]
        for setting in ["broker_transport_options", "result_backend_transport_options"] {
            for name in names {
                let notices = try CelerySettings(yaml: Array("\(setting): {\(name): 5}".utf8)).notices
                #expect(notices.count == 1 && notices[0].hasPrefix("\(setting) sets \(name), which has no effect: "))
            }
        }
        let compatible = "broker_transport_options: {sentinel_fanout_compat: true}"
        let told = try CelerySettings(yaml: Array(compatible.utf8)).notices
        #expect(told.count == 1 && told[0].contains("sentinel_fanout_compat"))
        // What Celery does by default.
        let usual = "broker_transport_options: {sentinel_fanout_compat: false, ack_emulation: true}"
        #expect(try CelerySettings(yaml: Array(usual.utf8)).notices.isEmpty)
        // Nothing is lost that Celery would lose.
        for no in ["false", "'no'"] {
            let kept = try CelerySettings(yaml: Array("broker_transport_options: {ack_emulation: \(no)}".utf8)).notices
            #expect(kept.count == 1 && kept[0].contains("sets ack_emulation to false, which has no effect: "))
        }
        let ordered = "result_backend_transport_options: {result_chord_ordered: true}"
        #expect(try CelerySettings(yaml: Array(ordered.utf8)).notices.isEmpty)
        let unconfirmed = "broker_transport_options: {confirm_publish: false}"
        let notices = try CelerySettings(yaml: Array(unconfirmed.utf8)).notices
        #expect(notices.count == 1 && notices[0].contains("confirm_publish"))
    }

    @Test("the names of keys and channels")
    func names() throws {
        let redis = try configuration(
            """
            broker_transport_options:
              unacked_key: held
              unacked_index_key: held.index
              unacked_mutex_key: held.lock
              fanout_prefix: "fan:"
              fanout_patterns: false
              body_encoding: null
            """
        ).redis
        #expect(redis.bodyEncoding == .text)
        #expect(redis.claimKeys.messages == "held" && redis.claimKeys.index == "held.index")
        #expect(redis.claimKeys.mutex == "held.lock")
        #expect(redis.fanoutPrefix == "fan:" && !redis.channelsHaveRoutingKeys)
        #expect(try configuration("broker_transport_options: {fanout_prefix: false}").redis.fanoutPrefix == "")
        let usual = try configuration("broker_transport_options: {fanout_prefix: true, fanout_patterns: true}").redis
        #expect(usual.fanoutPrefix == "/{db}." && usual.channelsHaveRoutingKeys)
    }

    @Test(
        "what cannot be followed is refused by name",
        arguments: [
            ("broker_transport_options: {sentinel_kwargs: {colour: red}}", "colour"),
            ("broker_transport_options: {sentinel_kwargs: {ssl_ca_certs: ca.pem}}", "ssl: true"),
            ("broker_transport_options: {ack_emulation: perhaps}", "ack_emulation"),
            ("broker_transport_options: {fanout_prefix: 5}", "fanout_prefix"),
            ("broker_transport_options: {body_encoding: rot13}", "body_encoding"),
            ("result_backend_transport_options: {result_chord_ordered: sometimes}", "result_chord_ordered"),
            ("broker_transport_options: {min_other_sentinels: -1}", "min_other_sentinels"),
            ("result_backend_transport_options: {master_name: 5}", "master_name"),
            ("redis_backend_use_ssl: {ssl_cert_reqs: maybe}", "ssl_cert_reqs"),
            ("redis_backend_use_ssl: {ssl_ciphers: x}", "ssl_ciphers"),
            ("redis_socket_timeout: soon", "redis_socket_timeout"),
        ])
    func refusals(_ yaml: String, _ named: String) {
        let error = #expect(throws: CeleriacError.self) { try configuration(yaml) }
        #expect(error?.code == .configuration && error?.message.contains(named) == true, "\(error?.message ?? "")")
    }

    @Test("applications take sentinels for broker, results and locks, and need the primary's name")
    func applications() async throws {
        var configuration = CeleryConfiguration()
        configuration.brokerTransportOptions = ["master_name": "mymaster"]
        configuration.resultTransportOptions = ["master_name": "mymaster"]
        let urls = "sentinel://:secret@a:1;sentinel://b:2"
        let app = try CeleryApp(broker: urls, results: urls, configuration: configuration)
        #expect(app.broker.name == "sentinel://:***@a:1/0;sentinel://:***@b:2/0")
        #expect(app.broker.brokerDescription.transport == "sentinel")
        let lock = try app.lock(urls)
        #expect(lock.name.hasPrefix("sentinel://"))
        await lock.close()
        await app.close()
        let error = #expect(throws: CeleriacError.self) { try CeleryApp(broker: urls) }
        let cause = String(describing: error?.cause)
        #expect(cause.contains("master_name"))
    }

    @Test("applications take result_chord_ordered from the options of their result store")
    func chordOrder() async throws {
        for (yaml, isOrdered) in [
            ("", true), ("result_chord_ordered: true", true), ("result_chord_ordered: false", false),
        ] {
            let text = "{broker_url: redis://a, result_backend: redis://a, result_backend_transport_options: {\(yaml)}}"
            let app = try CeleryApp(settings: CelerySettings(yaml: Array(text.utf8)))
            #expect((app.results as? CeleryRedisResults)?.ordersChordParts == isOrdered)
            await app.close()
        }
    }

    @Test("disabled:// keeps no results", arguments: ["disabled://", "disabled"])
    func disabled(_ url: String) async throws {
        let settings = try CelerySettings(yaml: Array("{broker_url: redis://a, result_backend: '\(url)'}".utf8))
        let app = try CeleryApp(settings: settings)
        #expect(app.results == nil)
        await app.close()
    }
}
#endif
