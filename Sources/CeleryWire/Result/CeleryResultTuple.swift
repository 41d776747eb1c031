public import CeleriacWire

/// A reference to the result of a task or of a group, as `children` and stored groups carry it.
///
/// On the wire it is `[[id, parent], null]` for a task and `[[id, parent], [members…]]` for a group. The runtime's
/// `ResultReference` has the same parts but not this form, because the runtime knows no dialect.
public struct CeleryResultTuple: Sendable, Hashable {
    /// The id of the task or of the group.
    public var id: String
    /// The previous result in a chain.
    public var parent: CeleryResultTuple? {
        get { parents.first }
        set { parents = newValue.map { [$0] } ?? [] }
    }
    /// The members of a group; `nil` for a task.
    public var members: [CeleryResultTuple]?
    /// No parent or one. It is an array because a struct cannot contain itself.
    private var parents: [CeleryResultTuple]

    /// Creates a reference.
    public init(id: String, parent: CeleryResultTuple? = nil, members: [CeleryResultTuple]? = nil) {
        self.id = id
        self.members = members
        self.parents = parent.map { [$0] } ?? []
    }
}

extension CeleryResultTuple {
    /// Reads a reference.
    ///
    /// - Throws: `CeleryWireError.Code.malformedResult`.
    public static func decode(_ value: WireValue) throws(CeleryWireError) -> CeleryResultTuple {
        try decode(value, depth: 128)
    }

    private static func decode(_ value: WireValue, depth: Int) throws(CeleryWireError) -> CeleryResultTuple {
        guard depth > 0 else { throw malformed }
        // Celery also accepts an id alone.
        if case .string(let id) = value { return CeleryResultTuple(id: id) }
        guard case .array(let parts) = value, parts.count == 2, case .array(let own) = parts[0], own.count == 2,
            case .string(let id) = own[0]
        else { throw malformed }
        var result = CeleryResultTuple(id: id)
        if !own[1].isNull { result.parent = try decode(own[1], depth: depth - 1) }
        switch parts[1] {
        case .null: break
        case .array(let members):
            result.members = try members.map { member throws(CeleryWireError) in
                try decode(member, depth: depth - 1)
            }
        default: throw malformed
        }
        return result
    }

    /// The reference as it is on the wire.
    public func encode() -> WireValue {
        let parent = parent?.encode() ?? .null
        return [[.string(id), parent], members.map { .array($0.map { $0.encode() }) } ?? .null]
    }

    /// Reads a stored group: `{"result": <reference>}`.
    ///
    /// - Throws: `CeleryWireError`: `malformedResult`, and what `CeleryResultMeta.decode` throws for the bytes.
    public static func decodeGroup(
        _ bytes: [UInt8], serializer: CelerySerializer = .json, limits: WireLimits = .default
    ) throws(CeleryWireError) -> CeleryResultTuple {
        try group(in: StoredValue.decode(bytes, serializer: serializer, limits: limits))
    }

    /// Reads a stored group as the settings of this process say. See ``CeleryResultContent/decode(_:limits:)``.
    package static func decodeGroup(
        _ bytes: [UInt8], content: CeleryResultContent, limits: WireLimits
    ) throws(CeleryWireError) -> CeleryResultTuple {
        try group(in: content.decode(bytes, limits: limits))
    }

    private static func group(in value: WireValue) throws(CeleryWireError) -> CeleryResultTuple {
        guard let reference = value["result"] else { throw malformed }
        return try decode(reference)
    }

    /// Writes a group as result stores keep it.
    ///
    /// - Throws: `CeleryWireError`: `unrepresentable`, `unknownCompression`, `pickleRefused`.
    public func encodeGroup(
        serializer: CelerySerializer = .json, compression: CompressionMethod? = nil
    ) throws(CeleryWireError) -> [UInt8] {
        try StoredValue.encode(["result": encode()], serializer: serializer, compression: compression)
    }

    private static var malformed: CeleryWireError {
        CeleryWireError(.malformedResult, "a reference to a result must be [[id, parent], null or members]")
    }
}
