#if Redis
import Testing

@testable import CeleriacRedis

@Suite struct RedisSentinelURLTests {
    private func configuration(_ urls: String, name: String = "mymaster") throws -> RedisConfiguration {
        try RedisConfiguration(sentinelURLs: urls, primaryName: name)
    }

    @Test func severalSentinelsAreRead() throws {
        let configuration = try configuration("sentinel://:p%3Bw@a:1/3;SENTINEL://b;sentinel://[::1]:2/9")
        let sentinels = try #require(configuration.sentinels)
        #expect(sentinels.addresses.map(\.description) == ["a:1", "b:26379", "[::1]:2"])
        #expect(sentinels.primaryName == "mymaster")
        // The login is the primary's: sentinels have one of their own.
        #expect(sentinels.user == nil && sentinels.password == nil && sentinels.tls == nil)
        #expect(configuration.password == "p;w" && configuration.user == nil && configuration.database == 3)
        #expect(configuration.tls == nil)
    }

    @Test func parametersOfTheFirstEncryptThePrimary() throws {
        let configuration = try configuration("sentinel://u:p@a/1?ssl_ca_certs=ca.pem;sentinel://b")
        #expect(configuration.tls == RedisTLS(caFile: "ca.pem") && configuration.sentinels?.tls == nil)
        #expect(configuration.user == "u" && configuration.port == 26_379 && configuration.database == 1)
    }

    @Test(arguments: [
        "", ";", "sentinel://a;redis://b", "sentinel://a;b:1", "sentinel://a:x", "sentinel://:secret@a/x",
        "sentinel://a?ssl_cert_reqs=maybe",
    ]) func badURLsAreRefused(_ urls: String) {
        let error = #expect(throws: RedisError.self) { try configuration(urls) }
        #expect(error?.code == .invalidURL)
        #expect(error.map { "\($0)".contains("secret") } == false)
    }

    @Test func thePrimaryNeedsAName() {
        let error = #expect(throws: RedisError.self) { try configuration("sentinel://a", name: "") }
        #expect(error?.message.contains("master_name") == true)
    }

    @Test func aLogShowsTheSentinelsAndNoPassword() throws {
        let configuration = try configuration("sentinel://u:secret@a:1/3;sentinel://b")
        #expect("\(configuration)" == "sentinel://u:***@a:1/3;sentinel://u:***@b:26379/3")
    }
}
#endif
