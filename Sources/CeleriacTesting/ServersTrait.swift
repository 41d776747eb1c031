public import CeleriacTestKit
public import Testing

/// A server that a test has by the trait `servers`.
public enum TestServer: String, Sendable, Hashable, CaseIterable {
    /// A database of Redis.
    case redis
    /// A virtual host of RabbitMQ.
    case rabbitMQ

    /// The URLs of the test that runs.
    @TaskLocal static var current: [TestServer: String] = [:]

    /// The URL of the server's database or virtual host that only the running test has.
    ///
    /// - Throws: ``TestKitError`` with code `noResult` in a test without the trait.
    public var url: String {
        get throws(TestKitError) {
            guard let url = Self.current[self] else {
                throw TestKitError(.noResult, "the test lacks the trait .servers(.\(rawValue))")
            }
            return url
        }
    }

    fileprivate func made() async throws -> String {
        switch self {
        case .redis: try await SharedServers.shared.redisDatabaseURL()
        case .rabbitMQ: try await SharedServers.shared.rabbitMQVirtualHostURL()
        }
    }
}

/// Gives each test a database or a virtual host of its own on private servers, which are started on first use and end with
/// the process.
///
/// ```swift
/// @Test(.servers(.redis)) func adds() async throws {
///     let celery = try CeleryApp(broker: TestServer.redis.url, results: TestServer.redis.url)
/// ```
public struct ServersTrait: TestTrait, SuiteTrait, TestScoping {
    fileprivate let servers: Set<TestServer>

    /// Whether it holds for each test of a suite, not once for all.
    public let isRecursive = true

    /// Runs a test with its servers.
    ///
    /// - Throws: ``TestKitError``: `missingProgram` if a server is not installed, `startFailed` if one does not start.
    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        var urls = TestServer.current
        for server in servers { urls[server] = try await server.made() }
        try await TestServer.$current.withValue(urls) { try await function() }
    }
}

extension Trait where Self == ServersTrait {
    /// Gives each test, and each of its arguments, places of its own on private servers.
    public static func servers(_ servers: TestServer...) -> ServersTrait { ServersTrait(servers: Set(servers)) }
}
