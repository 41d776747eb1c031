#if AMQP

import CeleriacWire
import Testing

@testable import CeleriacAMQP

struct HandshakeTests {
    static let start = ServerMethod.connectionStart(
        version: [0, 9], properties: ["product": .string("RabbitMQ"), "version": .string("3.10.8+rc.1")],
        mechanisms: ["PLAIN", "EXTERNAL"])

    private func begun(_ configuration: AMQPConfiguration = .init()) throws -> (Handshake, ClientMethod) {
        var handshake = Handshake(configuration)
        guard case .send(let methods) = try handshake.receive(.connectionStart, Self.start) else {
            throw AMQPError(.protocolViolation, "no methods")
        }
        return (handshake, try #require(methods.first))
    }

    @Test("The reply to start contains credentials and capabilities")
    func start() throws {
        var configuration = AMQPConfiguration(user: "ü", password: "p:w")
        configuration.connectionName = "worker"
        configuration.clientProperties = ["product": .string("Other"), "extra": .int(1)]
        let (handshake, answer) = try begun(configuration)
        guard case .connectionStartOk(let properties, let mechanism, let response) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(mechanism == "PLAIN")
        #expect(response == [0] + Array("ü".utf8) + [0] + Array("p:w".utf8))
        #expect(properties["connection_name"] == .string("worker"))
        #expect(properties["product"] == .string("Other"))
        #expect(properties["extra"] == .int(1))
        let names = [
            "consumer_cancel_notify", "connection.blocked", "authentication_failure_close", "publisher_confirms",
            "basic.nack",
        ]
        #expect(
            properties["capabilities"] == .object(WireObject(names.map { ($0, .bool(true)) })))
        #expect(handshake.server.product == "RabbitMQ")
        #expect(handshake.server.versionNumbers == [3, 10, 8])
        #expect(handshake.awaitsAuthentication)
    }

    @Test("EXTERNAL sends no credentials; a mechanism that the broker does not offer is refused")
    func mechanisms() throws {
        var configuration = AMQPConfiguration()
        configuration.authentication = .external
        guard case .connectionStartOk(_, "EXTERNAL", []) = try begun(configuration).1 else {
            Issue.record("not EXTERNAL")
            return
        }
        var handshake = Handshake(configuration)
        let error = #expect(throws: AMQPError.self) {
            try handshake.receive(
                .connectionStart, .connectionStart(version: [0, 9], properties: [:], mechanisms: ["PLAIN"]))
        }
        #expect(error?.code == .authenticationFailed)
    }

    @Test(
        "Tuning takes the lower limit, where zero means no limit",
        arguments: [
            // Ours: channels, frame, heartbeat; theirs; negotiated.
            ([2047, 131_072, 60], [2047, 131_072, 60], [2047, 131_072, 60]),
            ([2047, 131_072, 60], [100, 8192, 10], [100, 8192, 10]),
            ([10, 4096, 5], [2047, 131_072, 60], [10, 4096, 5]),
            ([2047, 131_072, 60], [0, 0, 0], [2047, 131_072, 60]),
            ([0, 0, 0], [5, 4096, 60], [5, 4096, 0]),
            ([0, 0, 0], [0, 0, 0], [65535, 131_072, 0]),
        ])
    func tune(ours: [Int], theirs: [Int], agreed: [Int]) throws {
        var configuration = AMQPConfiguration()
        configuration.channelMax = UInt16(ours[0])
        configuration.frameMax = UInt32(ours[1])
        configuration.heartbeat = .seconds(ours[2])
        var (handshake, _) = try begun(configuration)
        let action = try handshake.receive(
            .connectionTune,
            .connectionTune(
                channelMax: UInt16(theirs[0]), frameMax: UInt32(theirs[1]), heartbeat: UInt16(theirs[2])))
        guard case .tune(let negotiated, let methods) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(
            negotiated
                == Negotiated(channelMax: UInt16(agreed[0]), frameMax: agreed[1], heartbeat: UInt16(agreed[2])))
        #expect(methods.count == 2)
        guard case .finished = try handshake.receive(.connectionOpenOk, .plain(.connectionOpenOk)) else {
            Issue.record("not finished")
            return
        }
    }

    @Test("Frame limits below AMQP's minimum are refused")
    func tinyFrames() throws {
        var (handshake, _) = try begun()
        #expect(throws: AMQPError.self) {
            try handshake.receive(
                .connectionTune, .connectionTune(channelMax: 0, frameMax: 4095, heartbeat: 0))
        }
    }

    @Test(
        "Only its code makes a close an authentication failure",
        arguments: [(403, AMQPError.Code.authenticationFailed), (530, .connectionClosedByServer)])
    func closed(code: Int, expected: AMQPError.Code) throws {
        var (handshake, _) = try begun()
        let error = #expect(throws: AMQPError.self) {
            try handshake.receive(
                .connectionClose,
                .connectionClose(CloseReason(code: UInt16(code), text: "REASON", method: "connection.open")))
        }
        #expect(error?.code == expected)
        #expect(error?.replyCode == UInt16(code))
        #expect(error?.replyText == "REASON")
        #expect(error?.method == "connection.open")
    }

    @Test("Methods out of order are refused")
    func order() throws {
        var handshake = Handshake(.init())
        #expect(throws: AMQPError.self) { try handshake.receive(.connectionOpenOk, .plain(.connectionOpenOk)) }
        var (begun, _) = try begun()
        #expect(throws: AMQPError.self) { try begun.receive(.connectionStart, Self.start) }
        #expect(throws: AMQPError.self) { try begun.receive(.connectionSecure, .connectionSecure) }
        #expect(throws: AMQPError.self) {
            try handshake.receive(
                .connectionStart, .connectionStart(version: [1, 0], properties: [:], mechanisms: ["PLAIN"]))
        }
    }
}

#endif
