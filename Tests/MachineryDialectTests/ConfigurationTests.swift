import CeleriacCore
import CeleriacWire
import MachineryDialect
import Testing

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

    @Test func whatWouldSendTasksElsewhereIsRefusedByName() throws {
        for name in ["TLSCONFIG_INSECURESKIPVERIFY", "TLSCONFIG_SERVERNAME", "AMQP_QUEUE_DECLARE_ARGS"] {
            let error = #expect(throws: CeleriacError.self) { try MachineryConfiguration(environment: [name: "x:1"]) }
            #expect(error?.code == .configuration && error?.message.contains(name) == true)
        }
        let tls = #expect(throws: CeleriacError.self) {
            try MachineryConfiguration(yaml: Array("tlsconfig: {servername: a}".utf8))
        }
        #expect(tls?.message.contains("ssl_ca_certs") == true)
    }

    @Test func aClusterIsDeclaredByMachinerysNames() throws {
        for (name, value) in [("REDIS_CLUSTER_MODE", "1"), ("REDIS_CLUSTER_ENABLED", "true")] {
            #expect(try MachineryConfiguration(environment: [name: value]).redis.clusterEnabled)
        }
        for name in ["cluster_mode", "cluster_enabled"] {
            #expect(try MachineryConfiguration(yaml: Array("redis: {\(name): true}".utf8)).redis.clusterEnabled)
        }
        #expect(try !MachineryConfiguration(environment: ["REDIS_CLUSTER_ENABLED": "false"]).redis.clusterEnabled)
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
        #expect(throws: RedisError.self) { try RedisConfiguration(machineryURL: "localhost") }
    }

    @Test func severalHostsAreACluster() throws {
        let several = try RedisConfiguration(machineryURL: "rediss://me:secret@a:1,b,[::1]:3/0")
        #expect(several.declaresCluster && several.sentinels == nil && several.tls != nil)
        #expect(several.user == "me" && several.password == "secret")
        #expect(several.host == "a" && several.port == 1)
        #expect(several.seeds == [RedisAddress(host: "b", port: 6379), RedisAddress(host: "::1", port: 3)])
        #expect("\(several)" == "rediss://me:***@a:1,b:6379,[::1]:3/0")
        // As in go-redis, cluster_enabled goes before master_name.
        let one = try RedisConfiguration(machineryURL: "redis://a", primaryName: "mymaster", isCluster: true)
        #expect(one.declaresCluster && one.seeds.isEmpty && one.sentinels == nil)
        #expect(try !RedisConfiguration(machineryURL: "redis://a/3").declaresCluster)
        let error = #expect(throws: RedisError.self) { try RedisConfiguration(machineryURL: "redis://a,b/3") }
        #expect(error?.code == .invalidURL && error?.message.contains("database") == true)
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
