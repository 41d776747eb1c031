import Glibc

/// What the test kit throws: a program is missing, a server did not start, a peer did not answer.
///
/// The message says what to do and, where a server or peer is to blame, ends with the tail of its log.
public struct TestKitError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure. More kinds may be added: a `switch` over it needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name, for instance `missingProgram`.
        public let description: String

        /// A program or Python environment that the kit needs is not installed.
        public static let missingProgram = Code(description: "missingProgram")
        /// The operating system refused something: a process, socket, port or folder.
        public static let system = Code(description: "system")
        /// A server or peer ended, or did not become ready, while it was being started.
        public static let startFailed = Code(description: "startFailed")
        /// A helper command (`rabbitmqctl`, `openssl`) ended with a failure.
        public static let commandFailed = Code(description: "commandFailed")
        /// A peer process ended, or answered something that is not an answer.
        public static let peerFailed = Code(description: "peerFailed")
    }

    /// The kind of failure.
    public let code: Code
    /// What happened and what to do about it.
    public let message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }

    /// An error from `errno`.
    static func system(_ what: String, errno code: Int32) -> TestKitError {
        TestKitError(.system, "\(what): \(String(cString: strerror(code)))")
    }
}
