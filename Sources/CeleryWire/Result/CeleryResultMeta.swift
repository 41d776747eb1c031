public import CeleriacWire
public import FoundationEssentials

/// A task's state and result, as result stores keep it and rpc replies carry it.
public struct CeleryResultMeta: Sendable, Hashable {
    /// The state's name; see `state`.
    public var status: String
    /// What the task returned; for a failure the exception, see `exception`; for a custom state what the task gave.
    public var result: WireValue
    /// The traceback, as text.
    public var traceback: String?
    /// References to the results of the tasks that this one published: an array. See `CeleryResultTuple`.
    public var children: WireValue?
    /// When the task ended: ISO 8601, as it stands on the wire. See `dateDoneDate(utcOffset:)`.
    public var dateDone: String?
    /// The task's id. Empty where a peer left it out.
    public var taskID: String
    /// The id of the group that the task belongs to.
    public var groupID: String?
    /// The id of the task that published this one.
    public var parentID: String?
    /// What `result_extended` adds; `nil` when it is not set.
    public var extended: CeleryExtendedResult?
    /// Further keys: `stamped_headers`, each stamp by its name, and what peers add.
    public var other: WireObject

    /// Makes a result.
    public init(
        status: String,
        result: WireValue = .null,
        traceback: String? = nil,
        children: WireValue? = nil,
        dateDone: String? = nil,
        taskID: String,
        groupID: String? = nil,
        parentID: String? = nil,
        extended: CeleryExtendedResult? = nil,
        other: WireObject = [:]
    ) {
        self.status = status
        self.result = result
        self.traceback = traceback
        self.children = children
        self.dateDone = dateDone
        self.taskID = taskID
        self.groupID = groupID
        self.parentID = parentID
        self.extended = extended
        self.other = other
    }

    /// The state.
    public var state: CeleryTaskState {
        get { CeleryTaskState(rawValue: status) }
        set { status = newValue.rawValue }
    }

    /// The exception of a failed, revoked or retried task; `nil` in any other state.
    public var exception: CeleryRemoteException? {
        state.hasException ? CeleryRemoteException.decode(result) : nil
    }

    /// The time in `dateDone`; `nil` when there is none, or none that can be read.
    ///
    /// - Parameter utcOffset: Seconds east of UTC for a time that names no offset. Celery up to 5.2 wrote UTC without
    ///   saying so.
    public func dateDoneDate(utcOffset: Int = 0) -> Date? {
        dateDone.flatMap { CeleryTime.date($0, utcOffset: utcOffset) }
    }
}
