#if Redis
/// A failure of the Redis transport.
package struct RedisError: Error, Sendable {
    /// What kind of failure it is.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private let name: String

        private init(_ name: String) { self.name = name }

        /// The code's name, for instance `connectFailed`.
        package var description: String { name }

        /// No connection could be made: the server is not there, refuses, or is still loading its data.
        package static let connectFailed = Code("connectFailed")
        /// The connection ended while commands were on their way. Whether the server ran them is not known; they are
        /// not sent again.
        package static let connectionLost = Code("connectionLost")
        /// The server did not answer in time. The connection is closed, since later replies would be out of step.
        package static let timeout = Code("timeout")
        /// The connection or client was closed by its owner.
        package static let closed = Code("closed")
        /// The server refused user and password, or asks for them.
        package static let authenticationFailed = Code("authenticationFailed")
        /// TLS could not be set up: certificate files, the server's certificate or its host name.
        package static let tls = Code("tls")
        /// The server sent something that is not RESP2, or a reply that nobody asked for. The connection is closed.
        package static let protocolViolation = Code("protocolViolation")
        /// The server answered a command with an error; see ``RedisError/serverError``.
        package static let server = Code("server")
        /// A connection URL cannot be understood.
        package static let invalidURL = Code("invalidURL")
        /// A batch of commands is too large to be sent. Nothing of it was sent.
        package static let tooLarge = Code("tooLarge")
    }

    /// What kind of failure it is.
    package let code: Code
    /// What happened, and what can be done about it.
    package let message: String
    /// The server's own error, where it sent one.
    package let serverError: RedisServerError?
    /// The failure below this one.
    package let cause: (any Error)?

    /// Creates an error.
    package init(
        _ code: Code, _ message: String, serverError: RedisServerError? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.serverError = serverError
        self.cause = cause
    }

    /// The error of a command that the server answered with an error.
    package init(_ error: RedisServerError) {
        self.init(.server, "The server refused the command.", serverError: error)
    }
}

extension RedisError: CustomStringConvertible {
    /// Code, message and cause; neither credentials nor arguments of commands.
    package var description: String {
        var text = "RedisError.\(code): \(message)"
        if let serverError { text += " Server: \(serverError)" }
        if let cause { text += " Cause: \(cause)" }
        return text
    }
}

extension RedisError {
    /// Whether the same call may succeed later: it was not answered, or the server cannot do it now.
    package var isOutOfReach: Bool {
        code == .connectFailed || code == .connectionLost || code == .timeout || serverError?.isTemporary == true
    }
}
#endif
