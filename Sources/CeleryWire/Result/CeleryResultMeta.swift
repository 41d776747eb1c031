public import CeleriacWire
public import FoundationEssentials

/// A task's state and result, as result stores keep them and rpc replies carry them.
public struct CeleryResultMeta: Sendable, Hashable {
    /// The name of the ``state``.
    public var status: String
    /// What the task returned; after a failure the ``exception``; in a custom state whatever the task stored.
    public var result: WireValue
    /// The traceback as text.
    public var traceback: String?
    /// An array of references to the results of the tasks that this one published. See ``CeleryResultTuple``.
    public var children: WireValue?
    /// When the task ended: ISO 8601, as it is on the wire. See ``dateDoneDate(utcOffset:)``.
    public var dateDone: String?
    /// The task's id. Empty if the peer left it out.
    public var taskID: String
    /// The id of the group that the task belongs to.
    public var groupID: String?
    /// The id of the task that published this one.
    public var parentID: String?
    /// What `result_extended` adds; `nil` without it.
    public var extended: CeleryExtendedResult?
    /// Other keys: `stamped_headers`, each stamp under its name, and what peers add.
    public var other: WireObject

    /// Creates a result.
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

    /// Reads the time in ``dateDone``.
    ///
    /// - Parameter utcOffset: Seconds east of UTC for a time without an offset. Celery up to 5.2 wrote UTC without one.
    /// - Returns: The instant; `nil` if there is none or it cannot be read.
    public func dateDoneDate(utcOffset: Int = 0) -> Date? {
        dateDone.flatMap { CeleryTime.date($0, utcOffset: utcOffset) }
    }
}

/// What a result says about the call if Celery's `result_extended` is set.
public struct CeleryExtendedResult: Sendable, Hashable {
    /// The name of the task.
    public var name: String?
    /// The positional arguments.
    public var args: WireValue?
    /// The keyword arguments.
    public var kwargs: WireValue?
    /// The node name of the worker.
    public var worker: String?
    /// How many times the task had been retried.
    public var retries: Int?
    /// The queue or the routing key of the message.
    public var queue: String?

    /// Creates the fields. Those that are not given are null.
    public init(
        name: String? = nil, args: WireValue? = nil, kwargs: WireValue? = nil, worker: String? = nil,
        retries: Int? = nil, queue: String? = nil
    ) {
        self.name = name
        self.args = args
        self.kwargs = kwargs
        self.worker = worker
        self.retries = retries
        self.queue = queue
    }
}

extension CeleryResultMeta {
    /// Reads a result from a store, compressed or not, from a channel or from an rpc reply.
    ///
    /// It tolerates the mistakes of real peers: only `status` is required.
    ///
    /// - Throws: `CeleryWireError`: `malformedResult`, `pickleRefused`, `unknownCompression`, `undecodableBody`.
    public static func decode(
        _ bytes: [UInt8], serializer: CelerySerializer = .json, limits: WireLimits = .default
    ) throws(CeleryWireError) -> CeleryResultMeta {
        try decode(StoredValue.decode(bytes, serializer: serializer, limits: limits))
    }

    /// Reads a result as the settings of this process say. See ``CeleryResultContent/decode(_:limits:)``.
    package static func decode(
        _ bytes: [UInt8], content: CeleryResultContent, limits: WireLimits
    ) throws(CeleryWireError) -> CeleryResultMeta {
        try decode(content.decode(bytes, limits: limits))
    }

    /// Reads an rpc reply: a message whose body is a result.
    ///
    /// - Throws: `CeleryWireError`: `malformedResult`, and what `CeleryTaskMessage.decode` throws for the body.
    public static func decode(
        _ message: WireMessage, accept: Set<CelerySerializer> = [.json], limits: WireLimits = .default
    ) throws(CeleryWireError) -> CeleryResultMeta {
        let serializer = try CelerySerializer.accepted(message.properties.contentType, in: accept)
        let compression = try CompressionMethod(header: message.headers["compression"])
        return try decode(serializer.decodeBody(message.body, compression: compression, limits: limits))
    }

    private static func decode(_ value: WireValue) throws(CeleryWireError) -> CeleryResultMeta {
        guard case .object(let object) = value else {
            throw CeleryWireError(.malformedResult, "a result must be an object")
        }
        guard case .string(let status)? = object["status"], !status.isEmpty else {
            throw CeleryWireError(.malformedResult, "a result must name a state", field: "status")
        }
        var meta = CeleryResultMeta(status: status, taskID: "")
        var extended = CeleryExtendedResult()
        var isExtended = false
        for (key, value) in object {
            switch key {
            case "status": break
            case "result": meta.result = value
            // celery.node also puts values here that are not text.
            case "traceback": meta.traceback = value.stringValue
            case "children": meta.children = value.unlessNull
            case "date_done": meta.dateDone = value.stringValue
            case "task_id": meta.taskID = value.stringValue ?? ""
            case "group_id": meta.groupID = value.stringValue
            case "parent_id": meta.parentID = value.stringValue
            case "name", "args", "kwargs", "worker", "retries", "queue":
                isExtended = true
                extended.read(key, value)
            default: meta.other[key] = value
            }
        }
        if isExtended { meta.extended = extended }
        return meta
    }

    /// Writes the result byte for byte as Celery 5.7 does.
    ///
    /// - Parameters:
    ///   - serializer: The serializer of the store.
    ///   - compression: The compression method, which only Celery 5.7 and later can read.
    ///   - nonFinite: Whether to write NaN and the infinities, which only lenient readers such as Python's accept.
    ///   - limits: How deep the result may be nested.
    /// - Returns: The bytes to store.
    /// - Throws: `CeleryWireError`: `unrepresentable`, also for an empty `taskID`, on which Python readers fail.
    public func encode(
        serializer: CelerySerializer = .json,
        compression: CompressionMethod? = nil,
        nonFinite: NonFinitePolicy = .refuse,
        limits: WireLimits = .default
    ) throws(CeleryWireError) -> [UInt8] {
        guard !taskID.isEmpty else {
            throw CeleryWireError(.unrepresentable, "a result without its task's id cannot be read", field: "task_id")
        }
        var object = Self.template
        object.setValue(.string(status), at: 0)
        object.setValue(result, at: 1)
        if let traceback { object.setValue(.string(traceback), at: 2) }
        if let children { object.setValue(children, at: 3) }
        if let dateDone { object.setValue(.string(dateDone), at: 4) }
        if let groupID, !groupID.isEmpty { object["group_id"] = .string(groupID) }
        if let parentID, !parentID.isEmpty { object["parent_id"] = .string(parentID) }
        extended?.write(to: &object)
        for (key, value) in other where object[key] == nil {
            object[key] = value
        }
        // The id comes last, as in Celery, and a key of `other` must not replace it.
        object.removeValue(forKey: "task_id")
        object["task_id"] = .string(taskID)
        return try StoredValue.encode(
            .object(object), serializer: serializer, compression: compression, nonFinite: nonFinite,
            limits: limits)
    }

    /// The keys of every result except the last. Copying this avoids building a hash table for each result.
    private static let template: WireObject = [
        "status": nil, "result": nil, "traceback": nil, "children": nil, "date_done": nil,
    ]
}

extension CeleryExtendedResult {
    fileprivate mutating func read(_ key: String, _ value: WireValue) {
        switch key {
        case "name": name = value.stringValue
        case "args": args = value.unlessNull
        case "kwargs": kwargs = value.unlessNull
        case "worker": worker = value.stringValue
        case "retries": retries = value.wholeNumber
        case "queue": queue = value.stringValue
        default: break
        }
    }

    fileprivate func write(to object: inout WireObject) {
        object["name"] = name.map { .string($0) } ?? .null
        object["args"] = args ?? .null
        object["kwargs"] = kwargs ?? .null
        object["worker"] = worker.map { .string($0) } ?? .null
        object["retries"] = retries.map { .int(Int64($0)) } ?? .null
        object["queue"] = queue.map { .string($0) } ?? .null
    }
}
