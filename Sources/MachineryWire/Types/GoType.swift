/// A type that Machinery knows for arguments: a scalar, or a slice of it. The list is closed; a Go worker refuses others.
public struct GoType: Sendable, Hashable {
    /// The scalar types.
    public enum Scalar: String, Sendable, Hashable, CaseIterable {
        case bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, string
    }

    /// The scalar, or what the slice consists of.
    public var scalar: Scalar
    /// Whether it is a slice.
    public var isSlice: Bool

    /// Makes a type.
    public init(_ scalar: Scalar, isSlice: Bool = false) {
        self.scalar = scalar
        self.isSlice = isSlice
    }

    /// The type that Go's `[]byte` and `[]uint8` both are: bytes, base64 on the wire.
    public static let bytes = GoType(.uint8, isSlice: true)

    /// The type of a name as it stands in a message, nil if Machinery knows none of that name.
    public init?(name: String) {
        guard let known = Self.byName[name] else { return nil }
        self = known
    }

    /// Go's own name of the type, under which results are stored. Bytes are `[]uint8` there.
    public var name: String { isSlice ? "[]" + scalar.rawValue : scalar.rawValue }

    private static let byName: [String: GoType] = {
        var types = ["[]byte": GoType.bytes]
        for scalar in Scalar.allCases {
            types[scalar.rawValue] = GoType(scalar)
            types["[]" + scalar.rawValue] = GoType(scalar, isSlice: true)
        }
        return types
    }()
}
