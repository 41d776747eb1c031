public import CeleriacWire

extension CeleryResultMeta {
    /// Reads a result as a store keeps it, compressed or not, or as a channel or an rpc reply carries it.
    ///
    /// Of what real peers write wrongly all is read that can be: only `status` must be there.
    ///
    /// - Throws: `CeleryWireError`: `malformedResult`, `pickleRefused`, `unknownCompression`, `undecodableBody`.
    public static func decode(
        _ bytes: [UInt8], serializer: CelerySerializer = .json, limits: WireLimits = .default
    ) throws(CeleryWireError) -> CeleryResultMeta {
        try decode(StoredValue.decode(bytes, serializer: serializer, limits: limits))
    }

    /// Reads an rpc reply: a message whose body is a result.
    ///
    /// - Throws: As `CeleryTaskMessage.decode` of a body, and `malformedResult`.
    public static func decode(
        _ message: WireMessage, accept: Set<CelerySerializer> = [.json], limits: WireLimits = .default
    ) throws(CeleryWireError) -> CeleryResultMeta {
        let serializer = try CelerySerializer.accepted(message.properties.contentType, in: accept)
        let compression = try CeleryCompression(header: message.headers["compression"])
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
            // celery.node puts the result here as well.
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
    ///   - compression: The method to compress with, which only Celery 5.7 and later can read.
    ///   - nonFinite: Whether NaN and the infinities may be written. Only lenient readers, Python's among them, take them.
    /// - Throws: `CeleryWireError`: `unrepresentable`, also for an empty `taskID`, on which Python readers fail.
    public func encode(
        serializer: CelerySerializer = .json,
        compression: CeleryCompression? = nil,
        nonFinite: NonFinitePolicy = .refuse
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
        // Last, as in Celery: a key of `other` must not take its place.
        object.removeValue(forKey: "task_id")
        object["task_id"] = .string(taskID)
        return try StoredValue.encode(
            .object(object), serializer: serializer, compression: compression, nonFinite: nonFinite)
    }

    /// The keys that every result has but the last: copying it spares the making of a hash table for each result.
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
