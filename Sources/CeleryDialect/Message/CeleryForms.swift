public import CeleriacCore
import CeleriacQueues
public import CeleriacWire
public import CeleryWire

// Celery's own forms of Core's values. Each is read back in one place, its accessor here.

/// A message that was read.
final class CeleryMessage: NativeMessage {
    let task: CeleryTaskMessage

    init(_ task: CeleryTaskMessage) { self.task = task }
}

extension TaskRequest {
    /// The message that was read, with all that Celery's protocol says of the task; nil in another dialect.
    public var celeryMessage: CeleryTaskMessage? { (message as? CeleryMessage)?.task }
}

extension CelerySignature: NativeSignature {}

extension Signature where Result == WireValue {
    /// A signature in Celery's own form, with every option that Celery knows: for signatures that come as arguments of
    /// tasks, or that are to be stamped.
    public init(_ signature: CelerySignature) {
        self.init(native: signature, name: signature.task)
    }
}

/// What a task of Celery's own leaves to be done with its outcome.
enum CeleryStep: NativeStep {
    /// A `celery.chord_unlock` knows all results of a chord's header, or that it will never know them.
    case endChord(body: WireValue, Result<[WireValue], ChordResults.Failure>)
    /// A call cannot be read. The failure is stored even where the sender wants no result, since nobody else could tell
    /// what became of the call.
    case storeFailure(TaskFailure)
}

extension ResultReference {
    /// The reference that a result tuple is.
    init(_ tuple: CeleryResultTuple) {
        self.init(
            id: tuple.id, parent: tuple.parent.map { ResultReference($0) },
            members: tuple.members.map { $0.map { ResultReference($0) } })
    }
}

extension CeleryResultTuple {
    /// The result tuple of a task that was sent, with which another task can name it.
    public init<Value>(_ result: AsyncResult<Value>) { self.init(result.reference) }

    /// The result tuple that a reference is.
    package init(_ reference: ResultReference) {
        self.init(
            id: reference.id, parent: reference.parent.map { CeleryResultTuple($0) },
            members: reference.members.map { $0.map { CeleryResultTuple($0) } })
    }
}

extension CeleryRemoteException {
    /// The exception that a failure is on the wire.
    init(_ failure: TaskFailure) {
        self.init(
            excType: failure.type, excMessage: failure.arguments, excModule: failure.module ?? "builtins")
    }
}

extension TaskFailure {
    /// The failure that a stored exception is.
    init(_ exception: CeleryRemoteException) {
        self.init(type: exception.excType, module: exception.excModule, arguments: exception.excMessage)
    }
}

extension MessageFault {
    /// The fault that an error of Celery's formats stands for.
    init(_ error: CeleryWireError) {
        self.init(reason: "\(error.code)", detail: error.field.map { "\($0): \(error.message)" } ?? error.message)
    }
}

extension ParkedMessageFormat {
    /// How Celery's workers of this package write down the messages that they park.
    static let celery = ParkedMessageFormat(
        style: .python, text: { CeleryTime.text($0) }, date: { CeleryTime.date($0) })
}
