import CeleriacCore
import CeleriacWire
import Testing

@testable import MachineryDialect

#if Redis
import CeleriacRedis
#endif

@Suite struct ConfigurationTests {
    @Test func theLoadersHaveMachinerysDefaults() throws {
        for configuration in [try MachineryConfiguration(yaml: []), try MachineryConfiguration(environment: [:])] {
            #expect(configuration.broker == "amqp://guest:guest@localhost:5672/")
            #expect(configuration.resultBackend == "amqp://guest:guest@localhost:5672/")
            #expect(configuration.defaultQueue == "machinery_tasks")
            #expect(configuration.resultsExpireIn == 3600)
            #expect(configuration.amqp == MachineryAMQPOptions())
            #expect(configuration.redis == MachineryRedisSettings())
            #expect(configuration.lock == "")
        }
    }

    @Test func yamlIsReadByMachinerysNames() throws {
        let yaml = """
            broker: 'redis://localhost:6379'
            lock: 'redis://localhost:6379'
            multiple_broker_separator: ';'
            default_queue: my_tasks
            result_backend: 'redis://localhost:6379/2'
            results_expire_in: 60
            no_unix_signals: true
            amqp:
              exchange: ex
              exchange_type: topic
              binding_key: key
              prefetch_count: 7
              queue_declare_args: {x-max-priority: 10}
              auto_delete: true
              delayed_queue: later
              maximum_eta_hold: 90
            redis:
              delayed_tasks_key: d
              delayed_tasks_poll_period: 100
              max_idle: 3
            sqs: {receive_wait_time_seconds: 20}
            """
        var configuration = try MachineryConfiguration(yaml: Array(yaml.utf8))
        #expect(configuration.amqp?.maximumETAHold == .seconds(90))
        configuration.amqp?.maximumETAHold = MachineryAMQPOptions().maximumETAHold
        #expect(configuration.broker == "redis://localhost:6379")
        #expect(configuration.lock == "redis://localhost:6379")
        #expect(configuration.multipleBrokerSeparator == ";")
        #expect(configuration.defaultQueue == "my_tasks")
        #expect(configuration.resultBackend == "redis://localhost:6379/2")
        #expect(configuration.resultsExpireIn == 60)
        #expect(configuration.noUnixSignals)
        #expect(
            configuration.amqp
                == MachineryAMQPOptions(
                    exchange: "ex", exchangeType: "topic", bindingKey: "key", prefetchCount: 7,
                    queueDeclareArguments: ["x-max-priority": 10], autoDelete: true, delayedQueue: "later",
                    defaultQueue: "my_tasks"))
        #expect(configuration.redis.delayedTasksKey == "d")
        #expect(configuration.redis.delayedTasksPollPeriod == 100)
        for bad in [
            "broker: [", "results_expire_in: soon", "amqp: {prefetch_count: x}", "no_unix_signals: maybe", "broker",
            "- broker", "amqp: direct", "redis: [max_idle]", "results_expire_in: 1.5",
        ] {
            #expect { try MachineryConfiguration(yaml: Array(bad.utf8)) } throws: {
                ($0 as? CeleriacError)?.code == .configuration
            }
        }
    }

    @Test func theEnvironmentIsReadByMachinerysNames() throws {
        let configuration = try MachineryConfiguration(environment: [
            "BROKER": "amqp://a;amqp://b", "MULTIPLE_BROKEN_SEPARATOR": ";", "DEFAULT_QUEUE": "q",
            "RESULTS_EXPIRE_IN": "5", "NO_UNIX_SIGNALS": "true", "AMQP_PREFETCH_COUNT": "9",
            "AMQP_MAXIMUM_ETA_HOLD": "0",
            "AMQP_QUEUE_BINDING_ARGS": "a:b,c:d:e", "REDIS_DELAYED_TASKS_KEY": "d",
        ])
        #expect(configuration.broker == "amqp://a;amqp://b")
        #expect(configuration.multipleBrokerSeparator == ";")
        #expect(configuration.defaultQueue == "q")
        #expect(configuration.resultsExpireIn == 5)
        #expect(configuration.noUnixSignals)
        #expect(configuration.amqp?.prefetchCount == 9 && configuration.amqp?.maximumETAHold == .zero)
        #expect(configuration.amqp?.queueBindingArguments == ["a": "b", "c": "d:e"])
        #expect(configuration.redis.delayedTasksKey == "d")
        for bad in [["RESULTS_EXPIRE_IN": "x"], ["AMQP_AUTO_DELETE": "2"], ["AMQP_QUEUE_BINDING_ARGS": "a"]] {
            #expect(throws: CeleriacError.self) { try MachineryConfiguration(environment: bad) }
        }
    }

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
            "redis.cluster_enabled REDIS_CLUSTER_ENABLED", "redis.cluster_mode REDIS_CLUSTER_MODE",
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
            ("0x", nil),
            ("--1", nil), ("ten", nil), ("1.5", nil), ("9223372036854775808", nil),
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

    @Test func whatWouldSendTasksElsewhereIsRefusedByName() throws {
        for name in ["TLSCONFIG_INSECURESKIPVERIFY", "TLSCONFIG_SERVERNAME", "AMQP_QUEUE_DECLARE_ARGS"] {
            let error = #expect(throws: CeleriacError.self) { try MachineryConfiguration(environment: [name: "x:1"]) }
            #expect(error?.code == .configuration && error?.message.contains(name) == true)
        }
        let tls = #expect(throws: CeleriacError.self) {
            try MachineryConfiguration(yaml: Array("tlsconfig: {servername: a}".utf8))
        }
        #expect(tls?.message.contains("ssl_ca_certs") == true)
        for (name, value) in [("REDIS_CLUSTER_MODE", "1"), ("REDIS_CLUSTER_ENABLED", "true")] {
            let error = #expect(throws: CeleriacError.self) { try MachineryConfiguration(environment: [name: value]) }
            #expect(error?.message.contains(name) == true)
        }
        for (name, value) in [("cluster_mode", "true"), ("cluster_enabled", "true")] {
            let yaml = Array("redis: {\(name): \(value)}".utf8)
            let error = #expect(throws: CeleriacError.self) { try MachineryConfiguration(yaml: yaml) }
            #expect(error?.message.contains(name) == true)
        }
        _ = try MachineryConfiguration(environment: ["REDIS_MASTER_NAME": "", "REDIS_CLUSTER_ENABLED": "false"])
        _ = try MachineryConfiguration(yaml: Array("redis: {master_name: '', cluster_enabled: false}".utf8))
    }

    #if Redis
    @Test func redisURLsAreMachinerys() throws {
        let password = try RedisConfiguration(machineryURL: "redis://secret@host:6380")
        #expect(password.password == "secret" && password.user == nil)
        #expect(password.host == "host" && password.port == 6380 && password.database == 0)
        let both = try RedisConfiguration(machineryURL: "redis://me:secret@host/3")
        #expect(both.user == "me" && both.password == "secret" && both.database == 3)
        #expect(try RedisConfiguration(machineryURL: "redis://host:1/x").database == 0)
        #expect(try RedisConfiguration(machineryURL: "rediss://host:1/1").tls != nil)
        let socket = try RedisConfiguration(machineryURL: "redis+socket://secret@/tmp/redis.sock:/4")
        #expect(socket.unixSocketPath == "/tmp/redis.sock" && socket.password == "secret" && socket.database == 4)
        // Go takes this one as it stands.
        let verbatim = try RedisConfiguration(machineryURL: "redis+socket://a%41%@/tmp/redis.sock:/4")
        #expect(verbatim.password == "a%41%")
        let cluster = #expect(throws: RedisError.self) { try RedisConfiguration(machineryURL: "redis://a:1,b:2") }
        #expect(cluster?.message.contains("cluster") == true)
        #expect(throws: RedisError.self) { try RedisConfiguration(machineryURL: "localhost") }
    }

    @Test func hostsBesideAMasterNameAreSentinels() throws {
        let several = try RedisConfiguration(
            machineryURL: "redis://me:secret@a:1,b,[::1]:3/4", primaryName: "mymaster", sentinelPassword: "other")
        let sentinels = try #require(several.sentinels)
        #expect(
            sentinels.addresses == [
                RedisAddress(host: "a", port: 1), RedisAddress(host: "b", port: 26_379),
                RedisAddress(host: "::1", port: 3),
            ])
        #expect(sentinels.primaryName == "mymaster" && sentinels.password == "other" && sentinels.user == nil)
        #expect(several.user == "me" && several.password == "secret" && several.database == 4)
        #expect(sentinels.tls == nil && several.tls == nil)
        let one = try RedisConfiguration(machineryURL: "rediss://a:1", primaryName: "mymaster")
        #expect(one.sentinels?.addresses == [RedisAddress(host: "a", port: 1)])
        #expect(one.tls != nil && one.sentinels?.tls == one.tls && one.sentinels?.password == nil)
        #expect(throws: RedisError.self) { try RedisConfiguration(machineryURL: "redis:///1", primaryName: "m") }
        let loaded = try MachineryConfiguration(
            environment: ["REDIS_MASTER_NAME": "mymaster", "REDIS_SENTINEL_PASSWORD": "secret"])
        #expect(loaded.redis.masterName == "mymaster" && loaded.redis.sentinelPassword == "secret")
        let read = try MachineryConfiguration(yaml: Array("redis: {master_name: m, sentinel_password: p}".utf8))
        #expect(read.redis.masterName == "m" && read.redis.sentinelPassword == "p")
    }
    #endif
}
