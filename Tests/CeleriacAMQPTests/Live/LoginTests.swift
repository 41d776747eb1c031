#if AMQP

import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import NIOPosix
import NIOSSL
import Testing

@testable import CeleriacAMQP

extension Live {
    /// Tests credentials, virtual hosts and TLS.
    @Suite(.timeLimit(.minutes(5)))
    struct LoginTests {
        private func connect(_ configuration: AMQPConfiguration) async throws(AMQPError) {
            let connection = try await AMQPConnection.connect(
                configuration, on: LiveBroker.eventLoop, logger: LiveBroker.logger)
            let channel = try await connection.openChannel()
            let queue = try await channel.queueDeclare(exclusive: true).name
            let outcomes = try await channel.publish([AMQPPublish(routingKey: queue, message: WireMessage(body: [1]))])
            #expect(outcomes == [.confirmed])
            await connection.close()
        }

        private func expectError(
            _ code: AMQPError.Code, _ configuration: AMQPConfiguration, replyCode: UInt16? = nil
        ) async {
            let error = await #expect(throws: AMQPError.self) { try await connect(configuration) }
            #expect(error?.code == code)
            #expect(error?.replyCode == replyCode)
        }

        @Test("A wrong password and an unknown virtual host cause different errors")
        func refused() async throws {
            var configuration = try await LiveBroker.configuration()
            configuration.password = "wrong"
            await expectError(.authenticationFailed, configuration, replyCode: 403)
            configuration = try await LiveBroker.configuration()
            configuration.virtualHost = "/nowhere"
            await expectError(.connectionClosedByServer, configuration, replyCode: 530)
        }

        @Test("A client fails immediately if every broker refuses its credentials")
        func clientRefused() async throws {
            let client = try await LiveBroker.client {
                $0.password = "wrong"
                $0.connectTimeout = .seconds(3600)
            }
            let error = await #expect(throws: AMQPError.self) { _ = try await client.connection() }
            #expect(error?.code == .authenticationFailed)
            #expect(error?.nothingSent == true)
            await client.close()
            let closed = await #expect(throws: AMQPError.self) { _ = try await client.connection() }
            #expect(closed?.code == .connectionClosed)
        }

        @Test("A client fails immediately if it may not enter the virtual host, however patient it is")
        func clientOutside() async throws {
            let client = try await LiveBroker.client {
                $0.virtualHost = "/nowhere"
                $0.connectTimeout = .seconds(3600)
            }
            let error = await #expect(throws: AMQPError.self) { _ = try await client.connection() }
            #expect(error?.replyCode == 530 && error?.nothingSent == true)
            await client.close()
        }

        private func tls(_ change: (inout AMQPTLS) -> Void = { _ in }) async throws -> AMQPConfiguration {
            let url = try #require(try await LiveBroker.shared.server().tlsURL)
            var configuration = try AMQPConfiguration(url: url)
            #expect(configuration.host == "localhost")
            var settings = AMQPTLS(caFile: try await TestCertificates.shared().authorityPath)
            change(&settings)
            configuration.tls = settings
            return configuration
        }

        @Test("TLS with the right authority, by name and by address")
        func goodAuthority() async throws {
            try await connect(tls())
            var byAddress = try await tls()
            byAddress.host = "127.0.0.1"
            try await connect(byAddress)
            let certificates = try await TestCertificates.shared()
            let port = try #require(try await LiveBroker.shared.server().tlsPort)
            try await connect(
                AMQPConfiguration(url: "amqps://localhost:\(port)?cacertfile=\(certificates.authorityPath)"))
        }

        @Test("TLS with an unknown authority, or the system's, is refused unless nothing is verified")
        func unknownAuthority() async throws {
            let unknown = try await TestCertificates.shared().unknownAuthorityPath
            await expectError(.tls, try await tls { $0.caFile = unknown })
            await expectError(.tls, try await tls { $0.caFile = nil })
            await expectError(.tls, try await tls { ($0.caFile, $0.verification) = (unknown, .noHostname) })
            try await connect(tls { ($0.caFile, $0.verification) = (unknown, TLSVerification.none) })
        }

        @Test("A certificate for another host is refused, unless names are not verified or that name is configured")
        func wrongHost() async throws {
            let certificates = try await TestCertificates.shared()
            let context = try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: NIOSSLCertificate.fromPEMFile(certificates.wrongHost.certificatePath)
                        .map { .certificate($0) },
                    privateKey: .privateKey(
                        NIOSSLPrivateKey(file: certificates.wrongHost.privateKeyPath, format: .pem))))
            let peer = try await ScriptedPeer.start(tls: context)
            func connect(_ settings: AMQPTLS, host: String) async throws(AMQPError) {
                let configuration = peer.configuration {
                    $0.host = host
                    $0.tls = settings
                }
                try await AMQPConnection.connect(
                    configuration, on: LiveBroker.eventLoop, logger: LiveBroker.logger
                ).close()
            }
            let settings = AMQPTLS(caFile: certificates.authorityPath)
            for host in ["localhost", "127.0.0.1"] {
                let error = await #expect(throws: AMQPError.self) { try await connect(settings, host: host) }
                #expect(error?.code == .tls)
                var unnamed = settings
                unnamed.verification = .noHostname
                try await connect(unnamed, host: host)
                var named = settings
                named.serverName = "elsewhere.invalid"
                try await connect(named, host: host)
            }
            await peer.stop()
        }

        @Test("Missing files are reported before anything is sent")
        func missingFiles() async throws {
            await expectError(.tls, try await tls { $0.caFile = "/nowhere/ca.pem" })
            await expectError(.tls, try await tls { $0.certificateFile = "/nowhere/cert.pem" })
            await expectError(.tls, try await tls { $0.keyFile = "/nowhere/key.pem" })
        }

        @Test("TLS to a plain port and plain TCP to a TLS port fail with typed errors")
        func mixedUp() async throws {
            var toPlain = try await tls()
            toPlain.port = try await LiveBroker.shared.server().port
            await expectError(.tls, toPlain)
            var toTLS = try await tls()
            toTLS.tls = nil
            toTLS.connectTimeout = .seconds(5)
            let error = await #expect(throws: AMQPError.self) { try await connect(toTLS) }
            #expect([.connectFailed, .protocolViolation].contains(error?.code))
        }

        @Test("EXTERNAL logs in under the name in the client certificate")
        func external() async throws {
            let certificates = try await TestCertificates.shared()
            var configuration = try await tls {
                $0.certificateFile = certificates.client.certificatePath
                $0.keyFile = certificates.client.privateKeyPath
            }
            try await connect(configuration)
            configuration.authentication = .external
            configuration.user = "ignored"
            let connection = try await AMQPConnection.connect(
                configuration, on: LiveBroker.eventLoop, logger: LiveBroker.logger)
            let users = try await LiveBroker.shared.server().rabbitmqctl("list_connections", "user")
            #expect(users.contains("celeriac-client"))
            await connection.close()
        }

        @Test("EXTERNAL without a certificate is refused")
        func externalWithoutCertificate() async throws {
            var configuration = try await tls()
            configuration.authentication = .external
            await expectError(.authenticationFailed, configuration, replyCode: 403)
        }

        @Test("A failover list leads to the broker that answers")
        func failover() async throws {
            let peer = try await ScriptedPeer.start()
            let dead = peer.configuration()
            await peer.stop()
            let live = try await LiveBroker.configuration()
            let client = AMQPClient(
                configurations: [dead, live], eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: LiveBroker.logger)
            let connection = try await client.connection()
            #expect(connection.configuration == live)
            #expect(try await client.connection() === connection)
            let queue = try await connection.openChannel().queueDeclare(exclusive: true).name
            #expect(try await client.publish([AMQPPublish(routingKey: queue, message: WireMessage())]) == [.confirmed])
            // A channel error closes the shared channel; the next publish reopens it.
            let unknown = AMQPPublish(exchange: "no-such-exchange", routingKey: "k", message: WireMessage())
            let error = await #expect(throws: AMQPError.self) { _ = try await client.publish([unknown]) }
            #expect(error?.replyCode == 404)
            #expect(try await client.publish([AMQPPublish(routingKey: queue, message: WireMessage())]) == [.confirmed])
            await client.close()
        }
    }
}

#endif
