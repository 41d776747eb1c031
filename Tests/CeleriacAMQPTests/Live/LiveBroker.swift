#if AMQP

import CeleriacTestKit
import Foundation
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import CeleriacAMQP

/// The live tests. They run one after another, because some of them stop or starve the broker that they share.
@Suite(
    .serialized,
    .enabled(if: LiveBroker.isWanted, "rabbitmq-server is not installed; apt-get install rabbitmq-server"))
enum Live {}

/// The broker of the live tests, which the first of them starts.
actor LiveBroker {
    static let shared = LiveBroker()

    /// A missing broker fails the tests in CI and skips them elsewhere.
    static let isWanted =
        ProcessInfo.processInfo.environment["CI"] != nil
        || ["/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/sbin", "/usr/local/sbin"].contains {
            FileManager.default.isExecutableFile(atPath: $0 + "/rabbitmq-server")
        }

    static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private var starting: Task<RabbitMQServer, any Error>?

    func server() async throws -> RabbitMQServer {
        let task =
            starting
            ?? Task {
                let certificates = try await TestCertificates.shared()
                let server = try await RabbitMQServer.start(
                    .init(
                        tls: certificates.server, plugins: ["rabbitmq_auth_mechanism_ssl"],
                        configuration: [
                            "auth_mechanisms.1 = PLAIN", "auth_mechanisms.2 = EXTERNAL",
                            "ssl_cert_login_from = common_name",
                        ]))
                try await server.rabbitmqctl("add_user", "celeriac-client", "unused")
                try await server.rabbitmqctl("set_permissions", "celeriac-client", ".*", ".*", ".*")
                return server
            }
        starting = task
        return try await task.value
    }

    static var eventLoop: any EventLoop { MultiThreadedEventLoopGroup.singleton.next() }

    static func configuration() async throws -> AMQPConfiguration {
        try AMQPConfiguration(url: await shared.server().url)
    }

    static func connect(_ change: (inout AMQPConfiguration) -> Void = { _ in }) async throws -> AMQPConnection {
        var configuration = try await configuration()
        change(&configuration)
        return try await AMQPConnection.connect(configuration, on: eventLoop, logger: logger)
    }

    static func client(_ change: (inout AMQPConfiguration) -> Void = { _ in }) async throws -> AMQPClient {
        var configuration = try await configuration()
        change(&configuration)
        return AMQPClient(
            configurations: [configuration], eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
    }

    /// A queue name that no other test uses.
    static func queueName() -> String { "test-" + UUID().uuidString }
}

#endif
