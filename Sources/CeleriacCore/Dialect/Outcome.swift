public import CeleriacWire

public import struct FoundationEssentials.Date

/// How a request ended at this worker. A dialect turns it into effects.
public enum Outcome: Sendable {
    /// The handler returned a value.
    case success(WireValue)
    /// The handler threw, or its arguments did not fit.
    case failure(TaskFailure)
    /// It is to be sent again, to be run at `eta`; `cause` is what made it fail this time. Arguments that are given take
    /// the place of its own.
    case retry(eta: Date, cause: TaskFailure, arguments: [WireValue]? = nil, keywordArguments: WireObject? = nil)
    /// Its time had passed before it could be run.
    case expired
    /// It was withdrawn, before or while it ran.
    case revoked(Revocation)
    /// Its hard time limit passed. The limit in seconds.
    case timedOut(limit: Double)
    /// No handler is registered under its name.
    case unregistered
    /// The handler put something else in its place, which takes over its id.
    case replaced(Submission)
    /// The handler asked for nothing to be stored.
    case ignored
    /// The handler refused the message itself.
    case rejected(requeue: Bool)
}
