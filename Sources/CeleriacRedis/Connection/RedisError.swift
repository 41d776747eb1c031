#if Redis
package import CeleriacCore

/// A failure of the Redis transport.
package struct RedisError: Error, Sendable {
    /// A kind of failure.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private let name: String

        private init(_ name: String) { self.name = name }

        /// The code's name, for example `connectFailed`.
        package var description: String { name }

        /// The connection could not be made: the server is not there, refuses, or is still loading its data.
        package static let connectFailed = Code("connectFailed")
        /// The connection ended while commands were in flight. It is unknown whether the server ran them; they are not
        /// sent again.
        package static let connectionLost = Code("connectionLost")
        /// The server did not answer in time. The connection is closed, since later replies would be matched to the
        /// wrong calls.
        package static let timeout = Code("timeout")
        /// The owner closed the connection or client.
        package static let closed = Code("closed")
        /// The server refused the user and password, or requires them.
        package static let authenticationFailed = Code("authenticationFailed")
        /// TLS could not be set up. The certificate files, the server's certificate or its host name may be at fault.
        package static let tls = Code("tls")
        /// The server sent something that is not RESP2, or a reply without a request. The connection is closed.
        package static let protocolViolation = Code("protocolViolation")
        /// The server answered a command with an error. See ``RedisError/serverError``.
        package static let server = Code("server")
        /// All sentinels answered, and none of them knows a primary of the name.
        package static let unknownPrimary = Code("unknownPrimary")
        /// The server cannot be used with these settings: it is a cluster, or it is none. The message says what to set.
        package static let unsuitableServer = Code("unsuitableServer")
        /// The user may use none of the keys that the caller has.
        package static let keysRefused = Code("keysRefused")
        /// A connection URL is malformed.
        package static let invalidURL = Code("invalidURL")
        /// A batch of commands is too large to send. None of it was sent.
        package static let tooLarge = Code("tooLarge")
    }

    /// The kind of failure.
    package let code: Code
    /// What happened, and what can be done about it.
    package let message: String
    /// The server's own error, if it sent one.
    package let serverError: RedisServerError?
    /// Whether no connection was made, which the message tells of the server by its name.
    package let isOfConnecting: Bool
    /// The underlying failure.
    package let cause: (any Error)?

    /// Creates an error.
    package init(
        _ code: Code, _ message: String, serverError: RedisServerError? = nil, isOfConnecting: Bool = false,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.serverError = serverError
        self.isOfConnecting = isOfConnecting
        self.cause = cause
    }

    /// Creates the error for a command that the server answered with an error.
    package init(_ error: RedisServerError) {
        self.init(.server, "The server refused the command.", serverError: error)
    }
}

extension RedisError: CustomStringConvertible {
    /// Code, message and cause, without credentials or command arguments.
    package var description: String {
        var text = "RedisError.\(code): \(message)"
        if let serverError { text += " Server: \(serverError)" }
        if let cause { text += " Cause: \(cause)" }
        return text
    }
}

extension RedisError {
    /// Whether the same call may succeed later: the server did not answer it, or temporarily cannot run it.
    package var isOutOfReach: Bool {
        code == .connectFailed || code == .connectionLost || code == .timeout || serverError?.isTemporary == true
    }

    /// The code of the error of a call that failed for this reason.
    ///
    /// - Parameter code: The code for what is neither out of reach nor a server that the settings do not fit.
    /// - Returns: The code.
    package func failureCode(otherwise code: CeleriacError.Code) -> CeleriacError.Code {
        if isOutOfReach { return .unavailable }
        return self.code == .unsuitableServer ? .configuration : code
    }
}

extension RedisError: TransportError {
    /// Whether the server refused the user and password.
    package var isRefusedLogin: Bool { code == .authenticationFailed || serverError?.code == "NOAUTH" }
    /// Whether the server's access list keeps the user from the command, or from its keys.
    package var isLackOfRight: Bool { serverError?.code == "NOPERM" }
    /// Whether no connection is had because of what the settings say, or the user lacks the right to a command, or to all keys.
    package var isRefusalOfAll: Bool {
        isRefusedLogin || isOfConnecting || serverError?.isRefusalOfCommand == true
            || [.tls, .unknownPrimary, .unsuitableServer, .keysRefused].contains(code)
    }
    /// Whether the connection was there, and its end or a time limit came before the answer.
    package var mayHaveArrived: Bool { code == .connectionLost || code == .timeout }
}

extension RedisServerError: TransportError {
    /// Whether the connection has no login.
    package var isRefusedLogin: Bool { code == "NOAUTH" }
    /// Whether the server's access list keeps the user from the command, or from its keys.
    package var isLackOfRight: Bool { code == "NOPERM" }
    /// Whether the user lacks the login or the right to the command. The right to a key may be lacking for that one key.
    package var isRefusalOfAll: Bool { isRefusedLogin || isRefusalOfCommand }
    /// False: the server has answered.
    package var mayHaveArrived: Bool { false }
}
#endif
