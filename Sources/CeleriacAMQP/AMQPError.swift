#if AMQP

internal import CeleriacCore

/// A failure between this process and an AMQP broker.
package struct AMQPError: Error, Sendable {
    /// The kind of failure. New kinds can be added without breaking callers.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The kind's name, for logs.
        package let description: String

        /// The connection could not be made: name not found, refused, or closed before the handshake ended.
        package static let connectFailed = Code(description: "connectFailed")
        /// The broker refused the credentials, or offers no mechanism that the configuration allows.
        package static let authenticationFailed = Code(description: "authenticationFailed")
        /// The TLS handshake failed, or a certificate or key file could not be loaded.
        package static let tls = Code(description: "tls")
        /// The connection broke: reset, end of stream, or two heartbeats missed.
        package static let connectionLost = Code(description: "connectionLost")
        /// The broker closed the connection with `connection.close`; see `replyCode` and `replyText`.
        package static let connectionClosedByServer = Code(description: "connectionClosedByServer")
        /// This process closed the connection or client.
        package static let connectionClosed = Code(description: "connectionClosed")
        /// The broker closed the channel with `channel.close`; see `replyCode` and `replyText`.
        package static let channelClosedByServer = Code(description: "channelClosedByServer")
        /// This process closed the channel.
        package static let channelClosed = Code(description: "channelClosed")
        /// Every channel number that the broker allows is in use.
        package static let channelLimit = Code(description: "channelLimit")
        /// The broker cancelled the consumer: its queue was deleted or its node failed.
        package static let consumerCancelled = Code(description: "consumerCancelled")
        /// The broker refused responsibility for a publish (`basic.nack`).
        package static let nacked = Code(description: "nacked")
        /// The broker returned a mandatory publish because it reached no queue (`basic.return`).
        package static let returned = Code(description: "returned")
        /// The broker did not answer within the configured time.
        package static let timeout = Code(description: "timeout")
        /// The broker blocked publishes (it is short of memory or disk) for too long.
        package static let blocked = Code(description: "blocked")
        /// The waiting task was cancelled.
        package static let cancelled = Code(description: "cancelled")
        /// The peer broke the protocol, or does not speak AMQP 0-9-1.
        package static let protocolViolation = Code(description: "protocolViolation")
        /// The broker closed the connection because it does not permit what it calls a deprecated feature: queues that are
        /// neither durable nor exclusive, which RabbitMQ 4.3 refuses unless it is set up to permit them.
        package static let deprecatedFeature = Code(description: "deprecatedFeature")
        /// AMQP cannot carry a message or an argument. Nothing of the call was sent.
        package static let invalidMessage = Code(description: "invalidMessage")
        /// A broker URL is malformed.
        package static let invalidURL = Code(description: "invalidURL")
    }

    /// The kind of failure.
    package var code: Code
    /// What happened and what to do about it. It contains no credentials, headers or bodies.
    package var message: String
    /// The broker's AMQP reply code, for example 404.
    package var replyCode: UInt16?
    /// The text of the broker's reply code.
    package var replyText: String?
    /// The method that the broker blames, for example `queue.declare`.
    package var method: String?
    /// Whether it is certain that nothing of the call reached the broker, so that a retry duplicates nothing.
    package var nothingSent: Bool
    /// The broker to which no connection could be made, without credentials; nil for every other failure.
    package var server: String?
    /// The underlying error.
    package var cause: (any Error)?

    /// Creates an error.
    package init(
        _ code: Code,
        _ message: String,
        replyCode: UInt16? = nil,
        replyText: String? = nil,
        method: String? = nil,
        nothingSent: Bool = false,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.replyCode = replyCode
        self.replyText = replyText
        self.method = method
        self.nothingSent = nothingSent
        self.cause = cause
    }

    /// The same failure as that of an attempt to connect to a broker.
    func whileConnecting(to server: String) -> AMQPError {
        var copy = self
        copy.server = server
        return copy
    }

    /// The same failure for a call that had not sent anything yet.
    func withNothingSent() -> AMQPError {
        var copy = self
        copy.nothingSent = true
        return copy
    }
}

extension AMQPError: Equatable {
    /// Whether both errors describe the same failure. Causes are compared by their descriptions.
    package static func == (left: AMQPError, right: AMQPError) -> Bool {
        left.code == right.code && left.message == right.message && left.replyCode == right.replyCode
            && left.replyText == right.replyText && left.method == right.method
            && left.nothingSent == right.nothingSent
            && left.cause.map { "\($0)" } == right.cause.map { "\($0)" }
    }
}

extension AMQPError: CustomStringConvertible {
    /// Kind, message and the broker's reply.
    package var description: String {
        var text = "AMQP \(code): \(message)"
        if let replyCode {
            text += " (\(replyCode)"
            if let replyText { text += " \(replyText)" }
            if let method { text += ", in answer to \(method)" }
            text += ")"
        }
        if let cause { text += " [\(cause)]" }
        return text
    }
}

extension AMQPError {
    /// Whether the same call may succeed once the broker is back: the broker did not answer it, rather than refusing
    /// it.
    package var isOutOfReach: Bool {
        switch code {
        case .connectFailed, .connectionLost, .connectionClosedByServer, .timeout, .blocked: true
        default: false
        }
    }

    /// Whether the broker closed the connection because of what this process asked for: access refused (403), not
    /// allowed (530, for instance a virtual host that does not exist), not implemented (540). A worker that starts
    /// reports that as an error of its configuration. One that has worked before tries again, since rights may come
    /// back, and so does a connection that hit a limit.
    package var isRefusal: Bool {
        guard code == .connectionClosedByServer, let replyCode, [403, 530, 540].contains(replyCode) else {
            return false
        }
        return replyText?.contains("limit") != true
    }

    /// Whether the broker closed the connection since somebody asked for a deprecated feature. Others who use the
    /// connection may try again; whoever asked is told by ``Code/deprecatedFeature``.
    var isRefusalOfDeprecatedFeature: Bool {
        code == .connectionClosedByServer && replyCode == 541 && replyText?.contains("is deprecated") == true
    }

    /// Whether the broker refused a queue because another connection has it for itself (405).
    package var isOfAnother: Bool { code == .channelClosedByServer && replyCode == 405 }

    /// The refusal of a login that the broker took before, as a failure that may pass.
    var refusedForNow: AMQPError {
        AMQPError(
            .connectFailed, "The broker refuses a login that it accepted before.", replyCode: replyCode,
            replyText: replyText, cause: self)
    }

    /// Whether the broker closed the connection since it limits each consumer of a queue but not the whole channel:
    /// RabbitMQ 3 says so of quorum queues and streams.
    package var isRefusalOfGlobalLimit: Bool {
        code == .connectionClosedByServer && replyCode == 540 && replyText?.contains("global qos") == true
    }
}

extension AMQPError: TransportError {
    /// Whether the broker did not let this user in: by the password, or into the virtual host.
    package var isRefusedLogin: Bool { code == .authenticationFailed || isRefusal }
    /// Whether the queue exists, and is durable where the declaration is not, or the other way round.
    package var isOfOtherDurability: Bool {
        code == .channelClosedByServer && replyCode == 406
            && replyText?.contains("inequivalent arg 'durable' for queue") == true
    }
    /// Whether the broker refused access to a queue or an exchange.
    package var isLackOfRight: Bool { code == .channelClosedByServer && replyCode == 403 }
    /// Whether no connection can be made, or the user lacks the right to an exchange. The right to a queue may be lacking for
    /// that one name.
    package var isRefusalOfAll: Bool {
        isRefusedLogin || server != nil
            || isLackOfRight && replyText?.prefix(while: { $0 != "'" }).hasSuffix("exchange ") == true
    }
    /// Whether the connection was there, and its end or a time limit came before the answer.
    package var mayHaveArrived: Bool {
        code == .connectionLost || code == .connectionClosedByServer || code == .timeout
    }
    /// Whether the wait for the broker's answer was cancelled.
    package var isCancellation: Bool { code == .cancelled }
}

#endif
