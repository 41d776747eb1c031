/// An error of the runtime: a worker, a client or a signature that cannot do what was asked.
///
/// Errors of one layer below (AMQP, Redis, a codec) are kept in ``cause``.
public struct CeleriacError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, as a value to switch over. New codes may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String {
            case configuration, publishFailed, unsupported, argumentMismatch, resultMismatch, timeout, closed,
                resultStore, unavailable, refused
        }
        private let base: Base

        /// The configuration cannot work; the message names the setting.
        public static let configuration = Code(base: .configuration)
        /// The broker did not confirm a message. It may or may not have been delivered.
        public static let publishFailed = Code(base: .publishFailed)
        /// The dialect, broker or result store cannot carry what was asked.
        public static let unsupported = Code(base: .unsupported)
        /// The arguments do not fit the task's parameters.
        public static let argumentMismatch = Code(base: .argumentMismatch)
        /// The result does not fit the type that the caller declared.
        public static let resultMismatch = Code(base: .resultMismatch)
        /// Nothing arrived within the time limit.
        public static let timeout = Code(base: .timeout)
        /// The client, worker or broker was closed.
        public static let closed = Code(base: .closed)
        /// The result store failed or holds something that cannot be read.
        public static let resultStore = Code(base: .resultStore)
        /// The broker or result store cannot be reached.
        public static let unavailable = Code(base: .unavailable)
        /// A worker answers a remote control command with an error; the message has the worker's words.
        public static let refused = Code(base: .refused)

        /// The code's name.
        public var description: String { base.rawValue }
    }

    /// What went wrong.
    public var code: Code
    /// What went wrong and what to do about it, for a person. It contains no task arguments and no credentials.
    public var message: String
    /// The error of the layer below, if there was one.
    public var cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The code, the message and the cause.
    public var description: String {
        guard let cause else { return "\(code): \(message)" }
        return "\(code): \(message) (\(cause))"
    }
}

/// The setting for want of which a transport cannot do what was asked, as the cause of a ``CeleriacError`` that tells of it.
package struct MissingSetting: Error, CustomStringConvertible {
    /// The setting's name.
    package let name: String

    package init(name: String) { self.name = name }

    package var description: String { "\(name) is not set" }
}

/// An error of a transport, as the cause of a ``CeleriacError``.
package protocol TransportError: Error {
    /// Whether the server refused the login.
    var isRefusedLogin: Bool { get }
    /// Whether the server answered that the user may not do that.
    var isLackOfRight: Bool { get }
    /// Whether the server would refuse every other call of this kind as well: it does not let the user in, or not into the
    /// database, or not use the commands.
    var isRefusalOfAll: Bool { get }
    /// Whether the server may have got what it did not answer.
    var mayHaveArrived: Bool { get }
    /// Whether the call ended because the Swift task of its caller was cancelled. False for a transport whose calls do not
    /// end then.
    var isCancellation: Bool { get }
}

extension TransportError {
    package var isLackOfRight: Bool { false }
    package var isRefusalOfAll: Bool { isRefusedLogin }
    package var isCancellation: Bool { false }
}

extension Error {
    /// Whether a call ended because the Swift task of its caller was cancelled. Errors of typed calls cannot be a
    /// `CancellationError`, so they say it in their cause.
    package var comesOfCancellation: Bool {
        var error: any Error = self
        while let cause = (error as? CeleriacError)?.cause { error = cause }
        if let partial = error as? PartialPublishError {
            return partial.unknown.values.contains { ($0.cause as? any TransportError)?.isCancellation == true }
        }
        return error is CancellationError || (error as? any TransportError)?.isCancellation == true
    }
}

extension CeleriacError {
    /// Whether the same call of a running worker or bridge may succeed later. That includes a refused login: it consumes,
    /// so its settings were right, and passwords are changed at the servers and here one after the other. Results and
    /// follow-ups of tasks that have ended wait for that.
    package var mayPass: Bool { code == .unavailable || (cause as? any TransportError)?.isRefusedLogin == true }

    /// Whether the same call to the result store may succeed later. A store that refuses all results says nothing of the one:
    /// results wait until somebody has put it right, as they wait for a store that is down.
    package var mayPassAtStore: Bool { mayPass || (cause as? any TransportError)?.isRefusalOfAll == true }
}
