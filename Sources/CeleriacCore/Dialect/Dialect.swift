package import CeleriacWire

/// One task system's message formats: bytes to values and back, and what follows from what. A dialect is pure: it does no
/// I/O and reads no clock.
package protocol Dialect: Sendable {
    /// The dialect's name, for instance `celery`.
    var name: String { get }

    /// How Swift values become wire values and back.
    var valueCoding: any ValueCoding { get }

    /// The states that workers store on the way of every task whose results are stored, whatever the task's options say:
    /// `RECEIVED` when a slot takes the task up, `STARTED` when its handler begins.
    var trackedStates: Set<TaskState> { get }

    /// Whether the tasks after a failed one in a chain never get a state, so that whoever waits for one of them must look
    /// at the tasks before it too.
    var chainsEndSilently: Bool { get }

    // MARK: Messages

    /// Reads the request out of a delivered message.
    ///
    /// - Throws: a ``MessageFault`` for a message that cannot be run; the worker parks it.
    func request(of message: WireMessage, delivery: Delivery) throws(MessageFault) -> TaskRequest

    /// Makes the messages that send something, and the steps that a chord needs between them.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` or `argumentMismatch` for what the task system cannot carry.
    func publication(of submission: Submission, in context: PublicationContext) throws(CeleriacError) -> Publication

    /// Makes the messages that send something as one more part of the chord whose header `request` belongs to.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where the task system cannot do that.
    func addition(of submission: Submission, toChordOf request: TaskRequest, in context: PublicationContext)
        throws(CeleriacError) -> Publication

    // MARK: Effects

    /// What follows from an outcome, in order.
    ///
    /// - Throws: ``CeleriacError`` when the outcome cannot be encoded; the worker then asks for the effects of that
    ///   failure instead.
    func effects(of outcome: Outcome, for request: TaskRequest, in context: EffectContext) throws(CeleriacError)
        -> [Effect]

    /// What follows when a part completes its chord, in order.
    ///
    /// The worker asks only where the right to go on is its own, see ``ChordCompletion/heldFor``.
    ///
    /// - Parameters:
    ///   - part: the part as the dialect made it.
    ///   - request: the request whose outcome the part followed from.
    ///   - context: the context of that outcome.
    func effects(
        of completion: ChordCompletion, of part: ChordPart, for request: TaskRequest, in context: EffectContext
    ) -> [Effect]

    // MARK: Results

    /// The record of a state on the way (`STARTED`, or a custom one), or nil where the dialect stores none.
    func record(ofState state: TaskState, meta: WireValue, for request: TaskRequest, in context: EffectContext)
        throws(CeleriacError) -> ResultRecord?

    /// The failure that the task system has for something that went wrong in the worker.
    func failure(for fault: TaskFault) -> TaskFailure

    /// How tasks are retried whose options say nothing about it.
    var retryPolicy: RetryPolicy { get }

    /// The record that tells those who wait for a task that it was revoked before any worker began it.
    ///
    /// - Parameter stored: what is stored of the task now; nil for nothing.
    /// - Returns: nil where the task has begun, or where the task system stores no such thing.
    func record(ofRevokedTask id: String, stored: TaskResult?, in context: EffectContext) throws(CeleriacError)
        -> ResultRecord?

    /// Reads a stored state.
    func result(from bytes: [UInt8]) throws(CeleriacError) -> TaskResult

    /// Writes which results belong to a group, as the task system's result store keeps it.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where groups are not kept.
    func payload(ofGroup group: ResultReference) throws(CeleriacError) -> [UInt8]

    /// Reads what ``payload(ofGroup:)`` wrote.
    func group(from bytes: [UInt8]) throws(CeleriacError) -> ResultReference
}

extension Dialect {
    /// None.
    package var trackedStates: Set<TaskState> { [] }

    /// None.
    package func record(ofRevokedTask id: String, stored: TaskResult?, in context: EffectContext) throws(CeleriacError)
        -> ResultRecord?
    {
        nil
    }

    /// No.
    package var chainsEndSilently: Bool { false }

    /// Refuses.
    package func addition(
        of submission: Submission, toChordOf request: TaskRequest, in context: PublicationContext
    ) throws(CeleriacError) -> Publication {
        throw CeleriacError(.unsupported, "\(name) has no chords that can be added to")
    }

    /// Nothing follows: the dialect makes no parts.
    package func effects(
        of completion: ChordCompletion, of part: ChordPart, for request: TaskRequest, in context: EffectContext
    ) -> [Effect] { [] }

    /// Refuses.
    package func payload(ofGroup group: ResultReference) throws(CeleriacError) -> [UInt8] {
        throw CeleriacError(.unsupported, "\(name) keeps no groups")
    }

    /// Refuses.
    package func group(from bytes: [UInt8]) throws(CeleriacError) -> ResultReference {
        throw CeleriacError(.unsupported, "\(name) keeps no groups")
    }
}

// MARK: What a dialect keeps in Core's values

// Core passes these on and never looks inside. A dialect has one type for each, and one accessor that casts to it.

/// A dialect's own form of a message that was read: what a ``TaskRequest`` carries. An object, since requests are copied
/// far more often than it is read.
package protocol NativeMessage: AnyObject, Sendable {}

/// A dialect's own form of what is sent: ``Submission/native(_:)``.
package protocol NativeSignature: Sendable {}

/// A step that a task of the dialect's own leaves to be done with its outcome: ``EffectContext/ownSteps``.
package protocol NativeStep: Sendable {}
