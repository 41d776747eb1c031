public import CeleriacWire

/// What a result backend stores about a group.
public struct MachineryGroupMeta: Sendable, Hashable {
    /// The group's id.
    public var groupUUID: String
    /// The ids of the members, in the group's order.
    public var taskUUIDs: [String]?
    /// Whether a worker has claimed the sending of the chord's callback.
    public var chordTriggered: Bool
    /// The lock of the Memcache backend.
    public var lock: Bool
    /// When the group was sent.
    public var createdAt: GoTime
    /// When DynamoDB drops the record, in seconds since 1970; 0 elsewhere.
    public var ttl: Int

    /// Creates a record of a group.
    public init(groupUUID: String, taskUUIDs: [String]?, createdAt: GoTime, chordTriggered: Bool = false) {
        self.groupUUID = groupUUID
        self.taskUUIDs = taskUUIDs
        self.chordTriggered = chordTriggered
        self.lock = false
        self.createdAt = createdAt
        self.ttl = 0
    }

    /// The record in Go's JSON, with all keys in Go's order.
    public func encode() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(key: "{\"GroupUUID\":", text: groupUUID)
        bytes.append(key: ",\"TaskUUIDs\":")
        if let taskUUIDs {
            bytes.append(UInt8(ascii: "["))
            for (index, uuid) in taskUUIDs.enumerated() { bytes.append(key: index == 0 ? "" : ",", text: uuid) }
            bytes.append(UInt8(ascii: "]"))
        } else {
            bytes.append(key: "null")
        }
        bytes.append(key: ",\"ChordTriggered\":", flag: chordTriggered)
        bytes.append(key: ",\"Lock\":", flag: lock)
        bytes.append(key: ",\"CreatedAt\":", time: createdAt)
        bytes.append(key: ",\"TTL\":", number: ttl)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    /// Reads a record as tolerantly as Go does.
    ///
    /// - Throws: ``MachineryWireError``: `malformedJSON`, `tooDeep`, or `invalidField`.
    public static func decode(_ bytes: [UInt8], limits: WireLimits = .default) throws(MachineryWireError)
        -> MachineryGroupMeta
    {
        var meta = MachineryGroupMeta(groupUUID: "", taskUUIDs: nil, createdAt: .zero)
        let fields = GoFields(what: "the group")
        for (key, value) in try fields.object(GoDocument.decode(bytes, limits: limits)) {
            switch key.lowercased() {
            case "groupuuid": try fields.text(value, "GroupUUID", &meta.groupUUID)
            case "taskuuids":
                meta.taskUUIDs = try fields.array(value, "TaskUUIDs")?.map { element throws(MachineryWireError) in
                    var uuid = ""
                    try fields.text(element, "TaskUUIDs", &uuid)
                    return uuid
                }
            case "chordtriggered": try fields.flag(value, "ChordTriggered", &meta.chordTriggered)
            case "lock": try fields.flag(value, "Lock", &meta.lock)
            case "createdat": meta.createdAt = try fields.time(value, "CreatedAt") ?? meta.createdAt
            case "ttl": try fields.number(value, "TTL", &meta.ttl)
            default: break
            }
        }
        return meta
    }
}
