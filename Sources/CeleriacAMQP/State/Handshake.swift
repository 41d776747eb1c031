#if AMQP

internal import CeleriacWire

/// The opening of a connection: start, tune, open.
struct Handshake {
    /// The connection's next step.
    enum Action {
        /// Send these methods.
        case send([ClientMethod])
        /// Apply the negotiated values, then send these methods.
        case tune(Negotiated, [ClientMethod])
        /// The connection is open.
        case finished
    }

    private enum Step {
        case start
        case tune
        case openOk
    }

    private let configuration: AMQPConfiguration
    private var step = Step.start
    /// The broker's description of itself.
    private(set) var server = AMQPServerInfo(properties: [:])

    init(_ configuration: AMQPConfiguration) {
        self.configuration = configuration
    }

    /// The bytes that open a connection: the protocol and its version.
    static let protocolHeader: [UInt8] = [0x41, 0x4D, 0x51, 0x50, 0, 0, 9, 1]

    /// Whether credentials were sent and not yet answered, so that a lost connection may mean a refusal.
    var awaitsAuthentication: Bool { step == .tune }

    mutating func receive(_ id: MethodID, _ method: ServerMethod) throws(AMQPError) -> Action {
        switch (step, method) {
        case (.start, .connectionStart(let version, let properties, let mechanisms)):
            guard version == [0, 9] else { throw .violation("the broker speaks AMQP \(version), not 0-9") }
            server = AMQPServerInfo(properties: properties)
            let (mechanism, response) = credentials
            guard mechanisms.contains(mechanism) else {
                throw AMQPError(
                    .authenticationFailed,
                    "The broker offers \(mechanisms.joined(separator: ", ")), not \(mechanism); enable it there, or "
                        + "choose another authentication.")
            }
            step = .tune
            return .send([.connectionStartOk(properties: clientProperties, mechanism: mechanism, response: response)])
        case (.tune, .connectionTune(let channelMax, let frameMax, let heartbeat)):
            let agreed = try negotiate(channelMax: channelMax, frameMax: frameMax, heartbeat: heartbeat)
            step = .openOk
            return .tune(
                agreed,
                [
                    .connectionTuneOk(
                        channelMax: agreed.channelMax, frameMax: UInt32(clamping: agreed.frameMax),
                        heartbeat: agreed.heartbeat),
                    .connectionOpen(virtualHost: configuration.virtualHost),
                ])
        case (.openOk, .plain(.connectionOpenOk)):
            return .finished
        case (_, .connectionClose(let reason)):
            if reason.code == 403 {
                throw reason.error(.authenticationFailed, "The broker refused the credentials")
            }
            throw reason.error(.connectionClosedByServer, "The broker refused the connection")
        default:
            throw .violation("\(id.name) during the handshake")
        }
    }

    private var credentials: (mechanism: String, response: [UInt8]) {
        switch configuration.authentication {
        case .plain: ("PLAIN", [0] + Array(configuration.user.utf8) + [0] + Array(configuration.password.utf8))
        case .external: ("EXTERNAL", [])
        }
    }

    private var clientProperties: WireObject {
        var properties: WireObject = [
            "product": .string("Celeriac"),
            "platform": .string("Swift"),
            "capabilities": .object([
                "consumer_cancel_notify": .bool(true),
                "connection.blocked": .bool(true),
                "authentication_failure_close": .bool(true),
                "publisher_confirms": .bool(true),
                "basic.nack": .bool(true),
            ]),
        ]
        if let name = configuration.connectionName { properties["connection_name"] = .string(name) }
        for (name, value) in configuration.clientProperties { properties[name] = value }
        return properties
    }

    /// The lower of both sides' limits, where zero means no limit. Heartbeats work as in py-amqp: off if we want none;
    /// ours if the broker wants none.
    private func negotiate(
        channelMax: UInt16, frameMax: UInt32, heartbeat: UInt16
    ) throws(AMQPError) -> Negotiated {
        func lower<Number: FixedWidthInteger>(_ ours: Number, _ theirs: Number) -> Number {
            ours == 0 ? theirs : theirs == 0 ? ours : min(ours, theirs)
        }
        let frames = lower(configuration.frameMax, frameMax)
        guard frames >= 4096 || frames == 0 else {
            throw .violation("frames of at most \(frames) bytes; AMQP's least is 4096")
        }
        let channels = lower(configuration.channelMax, channelMax)
        let wanted = UInt16(clamping: configuration.heartbeat.components.seconds)
        return Negotiated(
            channelMax: channels == 0 ? .max : channels,
            frameMax: frames == 0 ? 131_072 : Int(frames),
            heartbeat: wanted == 0 ? 0 : lower(wanted, heartbeat))
    }
}

/// The values that both sides agreed on in `connection.tune`.
struct Negotiated: Equatable {
    /// The highest channel number.
    var channelMax: UInt16
    /// The largest frame, in bytes, overhead included.
    var frameMax: Int
    /// The longest silence in seconds; zero for no heartbeats.
    var heartbeat: UInt16
}

#endif
