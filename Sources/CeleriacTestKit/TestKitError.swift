import Glibc

/// An error of the test kit: a program is missing, a server did not start, a peer did not answer.
///
/// The message says what to do. If a server or peer is to blame, it ends with the end of its log.
public struct TestKitError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure. More kinds may be added: a `switch` over it needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name, for example `missingProgram`.
        public let description: String

        /// A program or Python environment that the kit needs is not installed.
        public static let missingProgram = Code(description: "missingProgram")
        /// The operating system refused something: a process, socket, port or folder.
        public static let system = Code(description: "system")
        /// A server or peer ended, or did not become ready, during its start.
        public static let startFailed = Code(description: "startFailed")
        /// A helper command (`rabbitmqctl`, `openssl`) failed.
        public static let commandFailed = Code(description: "commandFailed")
        /// A handler that a test has called did not return.
        public static let noResult = Code(description: "noResult")
        /// No worker runs that could do what the test waits for.
        public static let noWorker = Code(description: "noWorker")
        /// A peer process ended, or sent an invalid answer.
        public static let peerFailed = Code(description: "peerFailed")
        /// A file that the kit was given is missing or says something that it cannot follow.
        public static let invalidFile = Code(description: "invalidFile")
    }

    /// The kind of failure.
    public let code: Code
    /// What happened and what to do about it.
    public let message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }

    /// Creates an error from `errno`.
    static func system(_ what: String, errno code: Int32) -> TestKitError {
        TestKitError(.system, "\(what): \(String(cString: strerror(code)))")
    }
}
