import Testing

@testable import MachineryDialect

/// What becomes of each of Machinery's settings, and how its values are read.
@Suite struct MachinerySettingTests {
    /// The names in the configuration of Machinery v2 and v1, and ours, by what becomes of them.
    private static let names: (read: [String], idle: [String], refused: [String]) = (
        read: [
            "broker BROKER", "lock LOCK", "multiple_broker_separator MULTIPLE_BROKEN_SEPARATOR",
            "default_queue DEFAULT_QUEUE", "result_backend RESULT_BACKEND", "results_expire_in RESULTS_EXPIRE_IN",
            "no_unix_signals NO_UNIX_SIGNALS", "amqp.exchange AMQP_EXCHANGE", "amqp.exchange_type AMQP_EXCHANGE_TYPE",
            "amqp.queue_declare_args -", "amqp.queue_binding_args AMQP_QUEUE_BINDING_ARGS",
            "amqp.binding_key AMQP_BINDING_KEY", "amqp.prefetch_count AMQP_PREFETCH_COUNT",
            "amqp.auto_delete AMQP_AUTO_DELETE", "amqp.delayed_queue AMQP_DELAYED_QUEUE",
            "amqp.maximum_eta_hold AMQP_MAXIMUM_ETA_HOLD",
            "amqp.declares_publisher_queue AMQP_DECLARES_PUBLISHER_QUEUE",
            "amqp.binds_own_queue_with_binding_key AMQP_BINDS_OWN_QUEUE_WITH_BINDING_KEY",
            "redis.read_timeout REDIS_READ_TIMEOUT", "redis.connect_timeout REDIS_CONNECT_TIMEOUT",
            "redis.delayed_tasks_poll_period REDIS_DELAYED_TASKS_POLL_PERIOD",
            "redis.delayed_tasks_key REDIS_DELAYED_TASKS_KEY", "redis.client_name REDIS_CLIENT_NAME",
            "redis.master_name REDIS_MASTER_NAME", "redis.sentinel_password REDIS_SENTINEL_PASSWORD",
            "redis.cluster_enabled REDIS_CLUSTER_ENABLED", "redis.cluster_mode REDIS_CLUSTER_MODE",
        ],
        idle: [
            "redis.max_idle REDIS_MAX_IDLE", "redis.max_active REDIS_MAX_ACTIVE",
            "redis.max_idle_timeout REDIS_IDLE_TIMEOUT", "redis.wait REDIS_WAIT",
            "redis.write_timeout REDIS_WRITE_TIMEOUT",
            "redis.normal_tasks_poll_period REDIS_NORMAL_TASKS_POLL_PERIOD",
            "sqs.receive_wait_time_seconds SQS_WAIT_TIME_SECONDS",
            "sqs.receive_visibility_timeout SQS_VISIBILITY_TIMEOUT",
            "sqs.visibility_hearth_beat SQS_VISIBILITY_HEARTBEAT", "dynamodb.task_states_table TASK_STATES_TABLE",
            "dynamodb.group_metas_table GROUP_METAS_TABLE",
        ],
        refused: [
            "tlsconfig -", "- TLSCONFIG_INSECURESKIPVERIFY", "- TLSCONFIG_SERVERNAME", "- AMQP_QUEUE_DECLARE_ARGS",
        ]
    )

    @Test func everyNameOfMachinerysHasAVerdict() throws {
        var found: (read: [String], idle: [String], refused: [String]) = ([], [], [])
        for setting in MachinerySetting.all {
            let path = setting.block.isEmpty ? setting.name : setting.name.map { "\(setting.block).\($0)" }
            let names = "\(path ?? "-") \(setting.variable ?? "-")"
            switch setting.verdict {
            case .idle: found.idle.append(names)
            case .refused: found.refused.append(names)
            default: found.read.append(names)
            }
        }
        #expect(found.read.sorted() == Self.names.read.sorted())
        #expect(found.idle.sorted() == Self.names.idle.sorted())
        #expect(found.refused.sorted() == Self.names.refused.sorted())
    }

    @Test func whatHasNoEffectIsTold() throws {
        let yaml = """
            broker: 'redis://localhost:6379'
            sqs:
              receive_wait_time_seconds: 123
            redis:
              max_idle: 12
              wait: false
              write_timeout: 19
              normal_tasks_poll_period: 1001
              delayed_tasks_poll_period: 23
              colour: blue
            dynamodb:
            shape: round
            """
        let notices = try MachineryConfiguration(yaml: Array(yaml.utf8)).notices
        let names = [
            "receive_wait_time_seconds", "max_idle", "wait", "write_timeout", "normal_tasks_poll_period", "colour",
            "shape",
        ]
        #expect(notices.count == names.count)
        for name in names { #expect(notices.contains { $0.contains(name) }, "\(name)") }
        let variables = [
            "REDIS_MAX_IDLE": "3", "SQS_WAIT_TIME_SECONDS": "20", "TASK_STATES_TABLE": "t", "PATH": "/bin",
        ]
        let told = try MachineryConfiguration(environment: variables).notices
        #expect(told.count == 3)
        for name in variables.keys where name != "PATH" { #expect(told.contains { $0.contains(name) }, "\(name)") }
        #expect(try MachineryConfiguration(environment: ["BROKER": "redis://a"]).notices == [])
    }

    /// As Go's strconv reads them without a base, which its loader of the environment asks for.
    @Test(
        arguments: [
            ("10", 10), ("-3", -3), ("+7", 7), ("0", 0), ("010", 8), ("0o10", 8), ("0x1F", 31), ("0b101", 5),
            ("1_000", 1000), ("0x_ff", 255), ("", nil), ("08", nil), ("1__0", nil), ("_1", nil), ("1_", nil),
            ("0x", nil), ("--1", nil), ("ten", nil), ("1.5", nil), ("9223372036854775808", nil),
        ] as [(String, Int?)])
    func integersAreReadAsGoReadsThem(_ text: String, _ number: Int?) {
        #expect(ConfigurationValue.integer(text) == number)
    }

    @Test func yamlsWordsAreThoseOfGo() throws {
        for (word, flag) in [("yes", true), ("on", true), ("y", true), ("no", false), ("off", false), ("n", false)] {
            let yaml = Array("{no_unix_signals: \(word), results_expire_in: 0x10, amqp: , redis: ~}".utf8)
            let configuration = try MachineryConfiguration(yaml: yaml)
            #expect(configuration.noUnixSignals == flag && configuration.resultsExpireIn == 16)
            #expect(configuration.amqp == MachineryAMQPOptions() && configuration.notices == [])
        }
    }

    @Test func aVariableBehindItsBlocksNameGoesFirst() throws {
        let configuration = try MachineryConfiguration(environment: [
            "AMQP_EXCHANGE": "one", "AMQP_AMQP_EXCHANGE": "two", "REDIS_REDIS_CLIENT_NAME": "me",
        ])
        #expect(configuration.amqp?.exchange == "two" && configuration.redis.clientName == "me")
    }

    @Test func ourNamesMakeQueuesThoseOfGo() throws {
        let yaml = Array("amqp: {declares_publisher_queue: true, binds_own_queue_with_binding_key: true}".utf8)
        let options = MachineryAMQPOptions(declaresPublisherQueue: true, bindsOwnQueueWithBindingKey: true)
        #expect(try MachineryConfiguration(yaml: yaml).amqp == options)
        let variables = ["AMQP_DECLARES_PUBLISHER_QUEUE": "1", "AMQP_BINDS_OWN_QUEUE_WITH_BINDING_KEY": "true"]
        #expect(try MachineryConfiguration(environment: variables).amqp == options)
    }
}
