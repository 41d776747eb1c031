public import CeleriacWire

public import struct FoundationEssentials.Date

/// One task system's message formats: bytes to values and back, and what follows from what. No I/O, no clock.
public protocol Dialect: Sendable {
    /// The dialect's name, for instance `celery`.
    var name: String { get }

    /// How Swift values become wire values and back.
    var valueCoding: any ValueCoding { get }

    /// Reads the request out of a delivered message.
    ///
    /// - Throws: a ``MessageFault`` for a message that cannot be run; the worker parks it.
    func request(of message: WireMessage, delivery: Delivery) throws(MessageFault) -> TaskRequest

    /// Makes the message that sends a task.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` or `argumentMismatch` for what the format cannot carry.
    func message(for submission: TaskSubmission, now: Date) throws(CeleriacError) -> OutgoingMessage

    /// Makes what sends something: messages, and the steps between them that a chord needs.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` for a shape that the task system has not.
    func publication(of submission: Submission, in context: PublicationContext) throws(CeleriacError) -> Publication

    /// Makes what sends something as one part more of the chord whose header `request` belongs to.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where there is no such thing.
    func addition(of submission: Submission, toChordOf request: TaskRequest, in context: PublicationContext)
        throws(CeleriacError) -> Publication

    /// What follows from an outcome, in order.
    ///
    /// - Throws: ``CeleriacError`` when the outcome cannot be encoded; the worker then asks for the effects of that
    ///   failure instead.
    func effects(of outcome: Outcome, for request: TaskRequest, in context: EffectContext) throws(CeleriacError)
        -> [Effect]

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

    /// Writes which results belong to a group, as its result store keeps it.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where there is no such thing.
    func payload(ofGroup group: ResultReference) throws(CeleriacError) -> [UInt8]

    /// Reads what ``payload(ofGroup:)`` wrote.
    func group(from bytes: [UInt8]) throws(CeleriacError) -> ResultReference

    /// The states that workers store on the way of every task whose results are stored, whatever its options say:
    /// `RECEIVED` when a slot takes it up, `STARTED` when its handler begins.
    var trackedStates: Set<TaskState> { get }

    /// Whether what follows a failed task in a chain never gets a state, so that whoever waits for it has to look at what
    /// came before.
    var chainsEndSilently: Bool { get }
}

extension Dialect {
    /// None.
    public var trackedStates: Set<TaskState> { [] }

    /// None.
    public func record(ofRevokedTask id: String, stored: TaskResult?, in context: EffectContext) throws(CeleriacError)
        -> ResultRecord?
    {
        nil
    }

    /// Refuses.
    public func payload(ofGroup group: ResultReference) throws(CeleriacError) -> [UInt8] {
        throw CeleriacError(.unsupported, "\(name) keeps no groups")
    }

    /// Refuses.
    public func group(from bytes: [UInt8]) throws(CeleriacError) -> ResultReference {
        throw CeleriacError(.unsupported, "\(name) keeps no groups")
    }

    /// No.
    public var chainsEndSilently: Bool { false }

    /// Sends single tasks without links, and refuses all else.
    public func publication(of submission: Submission, in context: PublicationContext) throws(CeleriacError)
        -> Publication
    {
        guard case .task(var task) = submission, task.links.isEmpty, task.errorLinks.isEmpty else {
            throw CeleriacError(.unsupported, "\(name) messages carry no canvas here: send the tasks one by one")
        }
        task.options.queue = task.options.queue ?? context.routes[task.name] ?? context.defaultQueue
        task.replyTo = context.replyTo
        return Publication(
            effects: [.publish([try message(for: task, now: context.now)])], result: ResultReference(id: task.id))
    }

    /// Refuses.
    public func addition(
        of submission: Submission, toChordOf request: TaskRequest, in context: PublicationContext
    ) throws(CeleriacError) -> Publication {
        throw CeleriacError(.unsupported, "\(name) has no chords that can be added to")
    }
}
