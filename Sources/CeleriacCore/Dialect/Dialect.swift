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

    /// What follows from an outcome, in order.
    ///
    /// - Throws: ``CeleriacError`` when the outcome cannot be encoded; the worker then asks for the effects of that
    ///   failure instead.
    func effects(of outcome: Outcome, for request: TaskRequest, in context: EffectContext) throws(CeleriacError)
        -> [Effect]

    /// The record of a state on the way (`STARTED`, or a custom one), or nil where the dialect stores none.
    func record(ofState state: TaskState, meta: WireValue, for request: TaskRequest, in context: EffectContext)
        throws(CeleriacError) -> ResultRecord?

    /// Reads a stored state.
    func result(from bytes: [UInt8]) throws(CeleriacError) -> TaskResult

    /// An id for a task that is to be sent.
    func newTaskID() -> String

    /// The state that is stored before a task is sent, or nil where there is none.
    ///
    /// - Parameter expiry: how long results are kept; nil for ever.
    func record(before submission: TaskSubmission, now: Date, expiry: Duration?) throws(CeleriacError) -> ResultRecord?

    /// The states that workers store on the way of every task whose results are stored, whatever its options say:
    /// `RECEIVED` when a slot takes it up, `STARTED` when its handler begins.
    var trackedStates: Set<TaskState> { get }
}
