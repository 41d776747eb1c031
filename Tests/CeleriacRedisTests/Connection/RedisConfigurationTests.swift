#if Redis
import CeleriacCore
import Testing

@testable import CeleriacRedis

@Suite struct RedisConfigurationTests {
    @Test func aPortionIsHalfAReplyAndOneValueAtLeast() {
        var configuration = RedisConfiguration()
        #expect(configuration.portionBytes == RedisConfiguration.largestPortion)
        configuration.maximumReplyBytes = 2048
        #expect(configuration.portion(of: []) == 0)
        #expect(configuration.portion(of: [1000, 24, 0, 1]) == 3)
        #expect(configuration.portion(of: [1025, 1]) == 1)
        #expect(configuration.portion(of: [.max, .max]) == 1)
        #expect(configuration.portion(of: [.min, 1024]) == 2)
    }

    struct Sample: Sendable {
        var url: String
        var host = "localhost"
        var port = 6379
        var socket: String?
        var user: String?
        var password: String?
        var database = 0
        var tls: RedisTLS?
    }

    @Test(arguments: [
        Sample(url: "redis://"),
        Sample(url: "redis:///"),
        Sample(url: "redis:///4", database: 4),
        Sample(url: "redis://localhost"),
        Sample(url: "REDIS://example.org:6380/15", host: "example.org", port: 6380, database: 15),
        Sample(url: "redis://example.org:/1", host: "example.org", database: 1),
        Sample(url: "redis://:secret@h/0", host: "h", password: "secret"),
        Sample(url: "redis://:@h", host: "h"),
        Sample(url: "redis://user@h", host: "h", user: "user"),
        Sample(url: "redis://user:p%40ss%2F%3A%25@h:1", host: "h", port: 1, user: "user", password: "p@ss/:%"),
        Sample(url: "redis://us%C3%A4r:a:b@h", host: "h", user: "usär", password: "a:b"),
        Sample(url: "redis://:a+b@h", host: "h", password: "a+b"),
        Sample(url: "redis://:p@ss@h", host: "h", password: "p@ss"),
        Sample(url: "redis://[::1]", host: "::1"),
        Sample(url: "redis://u:p@[fe80::1]:7000/3", host: "fe80::1", port: 7000, user: "u", password: "p", database: 3),
        Sample(url: "redis://h/0?db=5", host: "h", database: 5),
        Sample(url: "redis://h?virtual_host=6", host: "h", database: 6),
        Sample(url: "redis://h/2?socket_timeout=5&x", host: "h", database: 2),
        Sample(url: "redis://h/2#fragment", host: "h", database: 2),
        Sample(url: "redis+socket:///run/redis/redis.sock", socket: "/run/redis/redis.sock"),
        Sample(url: "redis+socket:///a%20b/s?virtual_host=3", socket: "/a b/s", database: 3),
        Sample(url: "redis+socket:///s?virtual_host=/3", socket: "/s", database: 3),
        Sample(url: "redis+socket://:pw@/s?db=7", socket: "/s", password: "pw", database: 7),
        Sample(url: "valkey://:pw@h:1/2", host: "h", port: 1, password: "pw", database: 2),
        Sample(url: "valkeys://h?ssl_cert_reqs=none", host: "h", tls: RedisTLS(verification: .none)),
        Sample(url: "rediss://h", host: "h", tls: RedisTLS()),
        Sample(url: "rediss://h/1?ssl_cert_reqs=required", host: "h", database: 1, tls: RedisTLS()),
        Sample(url: "rediss://h?ssl_cert_reqs=CERT_OPTIONAL", host: "h", tls: RedisTLS()),
        Sample(url: "rediss://h?ssl_cert_reqs=none", host: "h", tls: RedisTLS(verification: .none)),
        Sample(url: "rediss://h?ssl_cert_reqs=CERT_NONE", host: "h", tls: RedisTLS(verification: .none)),
        Sample(url: "rediss://h?ssl_check_hostname=false", host: "h", tls: RedisTLS(verification: .noHostname)),
        Sample(
            url: "rediss://h?ssl_check_hostname=true&ssl_ca_certs=/a+b/ca%2Bx.pem&ssl_certfile=c.pem&ssl_keyfile=k.pem",
            host: "h", tls: RedisTLS(caFile: "/a b/ca+x.pem", certificateFile: "c.pem", keyFile: "k.pem")),
    ]) func readsAURL(_ sample: Sample) throws {
        let configuration = try RedisConfiguration(url: sample.url)
        #expect(configuration.host == sample.host)
        #expect(configuration.port == sample.port)
        #expect(configuration.unixSocketPath == sample.socket)
        #expect(configuration.user == sample.user)
        #expect(configuration.password == sample.password)
        #expect(configuration.database == sample.database)
        #expect(configuration.tls == sample.tls)
    }

    @Test(arguments: [
        "", "redis", "redis:", "redis:/h", "localhost:6379", "http://h", "redis+sentinel://h",
        "redis://h:0", "redis://h:65536", "redis://h:x", "redis://h:-1", "redis://h:+5", "redis://h:1:2",
        "redis://h/x", "redis://h/-1", "redis://h/1/2", "redis://h/99999999999", "redis://h?db=x",
        "redis://:secret%@h", "redis://:secret%4@h", "redis://:secret%zz@h", "redis://:secret%FF@h",
        "redis://:secret%00@h", "redis://[::1", "redis://[]", "redis://[::1]x",
        "redis+socket://", "redis+socket:///", "redis+socket://host/path",
        "rediss://h?ssl_cert_reqs=maybe", "rediss://h?ssl_check_hostname=maybe", "redis://:secret@h/x",
    ]) func refusesABadURL(_ url: String) {
        let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: url) }
        #expect(error?.code == .invalidURL)
        #expect(error.map { "\($0)".contains("secret") } == false)
    }

    @Test func neverShowsThePassword() throws {
        for url in ["redis://u:secret@h:1/2", "rediss://:secret@[::1]", "redis+socket://:secret@/s"] {
            let configuration = try RedisConfiguration(url: url)
            var dumped = ""
            dump(configuration, to: &dumped)
            for text in ["\(configuration)", String(reflecting: configuration), dumped] {
                #expect(!text.contains("secret"))
            }
        }
        #expect("\(try RedisConfiguration(url: "redis://u:secret@h:1/2"))" == "redis://u:***@h:1/2")
        #expect("\(try RedisConfiguration(url: "rediss://[::1]"))" == "rediss://[::1]:6379/0")
        #expect("\(try RedisConfiguration(url: "redis+socket:///s?db=1"))" == "redis+socket:///s?virtual_host=1")
    }
}
#endif
