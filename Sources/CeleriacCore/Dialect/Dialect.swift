package import CeleriacWire

/// One task system's message formats and rules: it turns bytes into values and back, and decides what follows from the
/// outcome of a task. A dialect is pure: it does no I/O and reads no clock. All its methods may be called at the same
/// time from any task.
package protocol Dialect: Sendable {
    /// The dialect's name, for instance `celery`.
    var name: String { get }

    /// How Swift values become wire values and back.
    var valueCoding: any ValueCoding { get }

    /// How Swift values become results, which may have another form than arguments. ``valueCoding`` reads them.
    var resultValueCoding: any ValueCoding { get }

    /// The intermediate states that workers store for every task whose results are stored, whatever the task's options
    /// say: `RECEIVED` when a slot takes the task, `STARTED` when its handler begins.
    var trackedStates: Set<TaskState> { get }

    /// Whether the tasks after a failed one in a chain never get a state, so that a caller that waits for one of them
    /// must also watch the tasks before it.
    var chainsEndSilently: Bool { get }

    // MARK: Messages

    /// Reads the request from a delivered message.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - delivery: how it was delivered.
    /// - Returns: the request, with the dialect's own form of the message in it.
    /// - Throws: a ``MessageFault`` for a message that cannot be run; the worker parks it.
    func request(of message: WireMessage, delivery: Delivery) throws(MessageFault) -> TaskRequest

    /// Reads what can be read of a message that cannot be run, so that its caller can be told that its task has failed.
    ///
    /// - Parameters:
    ///   - message: the message, or those parts of it that the transport could read.
    ///   - delivery: how it was delivered.
    /// - Returns: whose task it is, at least; nil if the message does not say so.
    func remains(of message: WireMessage, delivery: Delivery) -> MessageRemains?

    /// Makes of a message what its sender would have sent to another broker: with what stands beside the body there, where
    /// the transport that it comes from keeps bodies alone.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - request: what was read from it.
    ///   - routingKey: the routing key with which it is to be sent.
    /// - Returns: the message.
    func adapted(_ message: WireMessage, of request: TaskRequest, to routingKey: String) -> WireMessage

    /// Makes the messages that send a submission, and the steps that a chord needs between them.
    ///
    /// - Parameters:
    ///   - submission: what to send.
    ///   - context: what the dialect may know of the sender.
    /// - Returns: the steps in order, and the reference to the result.
    /// - Throws: ``CeleriacError`` with code `unsupported` or `argumentMismatch` for what the task system cannot carry.
    func publication(of submission: Submission, in context: PublicationContext) throws(CeleriacError) -> Publication

    /// Makes the messages that send a submission as one more part of the chord to whose header `request` belongs.
    ///
    /// - Parameters:
    ///   - submission: what to send.
    ///   - request: the task of the header that sends it.
    ///   - context: what the dialect may know of the sender.
    /// - Returns: the steps in order, and the reference to the result.
    /// - Throws: ``CeleriacError`` with code `unsupported` where the task system cannot do that.
    func addition(of submission: Submission, toChordOf request: TaskRequest, in context: PublicationContext)
        throws(CeleriacError) -> Publication

    // MARK: Effects

    /// Decides what follows from an outcome.
    ///
    /// - Parameters:
    ///   - outcome: how the request ended.
    ///   - request: the request.
    ///   - context: what the dialect may know of the worker.
    /// - Returns: the effects, in the order in which the worker carries them out.
    /// - Throws: ``CeleriacError`` when the outcome cannot be encoded; the worker then asks for the effects of that
    ///   failure instead.
    func effects(of outcome: Outcome, for request: TaskRequest, in context: EffectContext) throws(CeleriacError)
        -> [Effect]

    /// Decides what follows when a part completes its chord.
    ///
    /// The worker asks only if it has the right to publish the body, see ``ChordCompletion/heldFor``.
    ///
    /// - Parameters:
    ///   - completion: the parts as they are stored, and the right to publish the body.
    ///   - part: the part that completed the chord, as the dialect made it.
    ///   - request: the request from whose outcome the part followed.
    ///   - context: the context of that outcome.
    /// - Returns: the effects, in the order in which the worker carries them out.
    func effects(
        of completion: ChordCompletion, of part: ChordPart, for request: TaskRequest, in context: EffectContext
    ) -> [Effect]

    /// Decides what follows when the store refuses for good to count a part: the chord will not be complete.
    ///
    /// - Parameters:
    ///   - part: the part, as the dialect made it.
    ///   - failure: why it is not counted.
    ///   - request: the request from whose outcome the part followed.
    ///   - context: the context of that outcome.
    /// - Returns: the effects, in the order in which the worker carries them out: they fail the body.
    func effects(
        ofUncounted part: ChordPart, _ failure: TaskFailure, for request: TaskRequest, in context: EffectContext
    ) -> [Effect]

    // MARK: Telling

    /// How a span of a run is shown, where the task system's own instrumentation has one.
    func span(ofRun request: TaskRequest, nodeName: String) -> SpanForm

    /// What a span of a run shows of how it has ended.
    func attributes(of outcome: Outcome) -> WireObject

    /// The arguments of a task as a log may show them: as its sender wants them to be shown, if it says so.
    func texts(ofArgumentsOf request: TaskRequest) -> ArgumentTexts

    /// A result as a log may show it.
    func text(ofResult value: WireValue) -> String

    // MARK: Results

    /// Makes the record of an intermediate state; nil if the dialect stores none. `meta` is the value of a handler's
    /// own state, and nil for a state that the worker stores by itself (`RECEIVED`, `STARTED`).
    func record(ofState state: TaskState, meta: WireValue?, for request: TaskRequest, in context: EffectContext)
        throws(CeleriacError) -> ResultRecord?

    /// Makes the failure by which the task system names something that went wrong in the worker.
    func failure(for fault: TaskFault) -> TaskFailure

    /// How tasks are retried if their options do not say.
    var retryPolicy: RetryPolicy { get }

    /// Makes the record by which callers that wait for a task learn that it was revoked before any worker began it.
    ///
    /// - Parameters:
    ///   - id: the task's id.
    ///   - stored: what is stored for the task now; nil if nothing is.
    ///   - context: what the dialect may know of the worker.
    /// - Returns: the record; nil if the task has begun, or if the task system does not store such a state.
    /// - Throws: ``CeleriacError`` when the state cannot be encoded.
    func record(ofRevokedTask id: String, stored: TaskResult?, in context: EffectContext) throws(CeleriacError)
        -> ResultRecord?

    /// Reads a stored state.
    func result(from bytes: [UInt8]) throws(CeleriacError) -> TaskResult

    /// Writes which results belong to a group, in the form that the task system's result store keeps.
    ///
    /// - Parameter group: the group and its members.
    /// - Returns: the bytes to store.
    /// - Throws: ``CeleriacError`` with code `unsupported` if the task system does not keep groups.
    func payload(ofGroup group: ResultReference) throws(CeleriacError) -> [UInt8]

    /// Reads what ``payload(ofGroup:)`` wrote.
    func group(from bytes: [UInt8]) throws(CeleriacError) -> ResultReference
}

extension Dialect {
    /// Reads whose task a message is that nobody has delivered, as far as it says so.
    func task(of message: WireMessage, inQueue queue: String) -> TaskRequest? {
        let delivery = Delivery(content: .success(message), queue: queue, receipt: Receipt(generation: 0, tag: 0))
        return (try? request(of: message, delivery: delivery)) ?? remains(of: message, delivery: delivery)?.request
    }

    /// The task's name, which is also the span's.
    package func span(ofRun request: TaskRequest, nodeName: String) -> SpanForm { SpanForm(request.name) }

    /// None.
    package func attributes(of outcome: Outcome) -> WireObject { [:] }

    /// JSON, cut off.
    package func texts(ofArgumentsOf request: TaskRequest) -> ArgumentTexts {
        ArgumentTexts(
            positional: text(ofResult: .array(request.arguments)),
            keyword: text(ofResult: .object(request.keywordArguments)))
    }

    /// JSON, cut off.
    package func text(ofResult value: WireValue) -> String {
        guard let bytes = try? WireJSON.encode(value, nonFinite: .allow) else { return "…" }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.count > ArgumentTexts.longest ? "\(text.prefix(ArgumentTexts.longest))…" : text
    }

    /// The message as it is.
    package func adapted(_ message: WireMessage, of request: TaskRequest, to routingKey: String) -> WireMessage {
        message
    }

    /// No states.
    package var trackedStates: Set<TaskState> { [] }

    /// Nil: the task system does not store such a state.
    package func record(ofRevokedTask id: String, stored: TaskResult?, in context: EffectContext) throws(CeleriacError)
        -> ResultRecord?
    {
        nil
    }

    /// False.
    package var chainsEndSilently: Bool { false }

    /// Throws ``CeleriacError`` with code `unsupported`.
    package func addition(
        of submission: Submission, toChordOf request: TaskRequest, in context: PublicationContext
    ) throws(CeleriacError) -> Publication {
        throw CeleriacError(.unsupported, "\(name) has no chords that can be added to")
    }

    /// Nothing follows: the dialect makes no parts.
    package func effects(
        of completion: ChordCompletion, of part: ChordPart, for request: TaskRequest, in context: EffectContext
    ) -> [Effect] { [] }

    /// Nothing follows: the dialect makes no parts.
    package func effects(
        ofUncounted part: ChordPart, _ failure: TaskFailure, for request: TaskRequest, in context: EffectContext
    ) -> [Effect] { [] }

    /// Results are as arguments.
    package var resultValueCoding: any ValueCoding { valueCoding }

    /// Throws ``CeleriacError`` with code `unsupported`.
    package func payload(ofGroup group: ResultReference) throws(CeleriacError) -> [UInt8] {
        throw CeleriacError(.unsupported, "\(name) keeps no groups")
    }

    /// Throws ``CeleriacError`` with code `unsupported`.
    package func group(from bytes: [UInt8]) throws(CeleriacError) -> ResultReference {
        throw CeleriacError(.unsupported, "\(name) keeps no groups")
    }
}

/// What can be read of a message that a worker cannot run.
package struct MessageRemains: Sendable {
    /// The task. Only its id is sure to be the message's; whatever cannot be read is absent.
    package var request: TaskRequest
    /// Whether another worker might run the message, because only its content is foreign to this one.
    package var mayRunElsewhere: Bool

    package init(_ request: TaskRequest, mayRunElsewhere: Bool = false) {
        self.request = request
        self.mayRunElsewhere = mayRunElsewhere
    }
}

/// The arguments of a task as a log shows them.
package struct ArgumentTexts: Sendable, Equatable {
    /// After how many characters such a text is cut off.
    package static let longest = 1024

    /// The positional arguments.
    package var positional: String
    /// The keyword arguments.
    package var keyword: String

    package init(positional: String, keyword: String) {
        self.positional = positional
        self.keyword = keyword
    }
}

// MARK: What a dialect keeps in Core's values

// Core passes these values on without looking inside. A dialect has one type for each, and one accessor that casts to
// it.

/// A dialect's own form of a message that was read, which a ``TaskRequest`` carries. It is an object because requests
/// are copied far more often than it is read.
package protocol NativeMessage: AnyObject, Sendable {}

/// A dialect's own form of a submission: ``Submission/native(_:)``.
package protocol NativeSignature: Sendable {
    /// The tasks in it, in a fixed order, each with its name, its id and its headers. Those that a middleware cannot
    /// change may be left out.
    var nativeTasks: [NativeTask] { get }

    /// Returns the signature with other headers for its tasks, in the order of ``nativeTasks``.
    func with(headers: [WireObject]) -> any NativeSignature
}

extension NativeSignature {
    /// None.
    package var nativeTasks: [NativeTask] { [] }

    /// The signature as it is.
    package func with(headers: [WireObject]) -> any NativeSignature { self }
}

/// A task in a dialect's own form of a submission.
package struct NativeTask: Sendable, Equatable {
    /// Its name.
    package var name: String
    /// Its id; empty if it has none yet.
    package var id: String
    /// Its custom headers.
    package var headers: WireObject

    package init(name: String, id: String, headers: WireObject) {
        self.name = name
        self.id = id
        self.headers = headers
    }
}

/// A step that one of the dialect's own tasks leaves for the dialect to take with its outcome:
/// ``EffectContext/ownSteps``.
package protocol NativeStep: Sendable {}
