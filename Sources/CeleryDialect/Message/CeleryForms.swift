public import CeleriacCore
import CeleriacQueues
public import CeleriacWire
public import CeleryWire

// Celery's own forms of Core's values. Only the accessors in this file read them back.

/// A message that was read.
final class CeleryMessage: NativeMessage {
    let task: CeleryTaskMessage
    /// Whether the body could not be read, and with it what the task belongs to.
    let lacksBody: Bool

    init(_ task: CeleryTaskMessage, lacksBody: Bool = false) {
        self.task = task
        self.lacksBody = lacksBody
    }
}

extension TaskRequest {
    /// The message that was read, with everything that Celery's protocol says about the task; nil in another dialect.
    public var celeryMessage: CeleryTaskMessage? { celeryForm?.task }

    /// That message as the object that holds it. Whoever wants a part of it need not copy the whole.
    var celeryForm: CeleryMessage? { message as? CeleryMessage }

    /// Whether the message's body could not be read.
    var lacksCeleryBody: Bool { celeryForm?.lacksBody == true }
}

extension CelerySignature: NativeSignature {
    /// The signature as a whole. Celery passes the headers of a canvas on to the tasks that are sent first.
    package var nativeTasks: [NativeTask] {
        [NativeTask(name: task, id: id ?? "", headers: options["headers"]?.objectValue ?? [:])]
    }

    /// The signature with other headers.
    package func with(headers: [WireObject]) -> any NativeSignature {
        guard let headers = headers.first else { return self }
        var signature = self
        signature.options["headers"] = headers.isEmpty ? nil : .object(headers)
        return signature
    }
}

extension Signature where Result == WireValue {
    /// Wraps a signature in Celery's own form, with every option that Celery knows. Use it for signatures that arrive
    /// as arguments of tasks, and for stamps.
    public init(_ signature: CelerySignature) {
        self.init(native: signature, name: signature.task)
    }
}

/// What a built-in task leaves to do with its outcome.
enum CeleryStep: NativeStep {
    /// A `celery.chord_unlock` knows all results of a chord's header, or that it will never know them.
    case endChord(body: WireValue, Result<[WireValue], ChordResults.Failure>)
    /// A call cannot be read. The failure is stored even if the sender wants no result, because nothing else would show
    /// what happened to the call.
    case storeFailure(TaskFailure)
}

extension ResultReference {
    /// Makes the reference for a result tuple.
    init(_ tuple: CeleryResultTuple) {
        self.init(
            id: tuple.id, parent: tuple.parent.map { ResultReference($0) },
            members: tuple.members.map { $0.map { ResultReference($0) } })
    }
}

extension CeleryResultTuple {
    /// Makes the result tuple of a task that was sent, so that another task can refer to it.
    public init<Value>(_ result: AsyncResult<Value>) { self.init(result.reference) }

    /// Makes the result tuple for a reference.
    package init(_ reference: ResultReference) {
        self.init(
            id: reference.id, parent: reference.parent.map { CeleryResultTuple($0) },
            members: reference.members.map { $0.map { CeleryResultTuple($0) } })
    }
}

extension CeleryRemoteException {
    /// Makes the exception that stands for a failure on the wire.
    init(_ failure: TaskFailure) {
        self.init(
            excType: failure.type, excMessage: failure.arguments, excModule: failure.module ?? "builtins")
    }
}

extension TaskFailure {
    /// Makes the failure for a stored exception.
    init(_ exception: CeleryRemoteException) {
        self.init(type: exception.excType, module: exception.excModule, arguments: exception.excMessage)
    }
}

extension MessageFault {
    /// Makes the fault for an error of Celery's formats.
    init(_ error: CeleryWireError) {
        self.init(reason: "\(error.code)", detail: error.field.map { "\($0): \(error.message)" } ?? error.message)
    }
}

extension ParkedMessageFormat {
    /// The form in which this package's Celery workers record the messages that they park.
    static let celery = ParkedMessageFormat(
        style: .python, text: { CeleryTime.text($0) }, date: { CeleryTime.date($0) })
}
