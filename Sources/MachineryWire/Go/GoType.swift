import struct FoundationEssentials.Data

/// A type that Machinery knows for arguments: a scalar, or a slice of it. The list is closed; a Go worker refuses others.
public struct GoType: Sendable, Hashable {
    /// The scalar types.
    public enum Scalar: String, Sendable, Hashable, CaseIterable {
        /// True or false.
        case bool
        /// A signed integer of the size of the machine: 64 bits.
        case int
        /// A signed integer of 8 bits.
        case int8
        /// A signed integer of 16 bits.
        case int16
        /// A signed integer of 32 bits.
        case int32
        /// A signed integer of 64 bits.
        case int64
        /// An unsigned integer of the size of the machine: 64 bits.
        case uint
        /// An unsigned integer of 8 bits.
        case uint8
        /// An unsigned integer of 16 bits.
        case uint16
        /// An unsigned integer of 32 bits.
        case uint32
        /// An unsigned integer of 64 bits.
        case uint64
        /// A floating-point number of 32 bits.
        case float32
        /// A floating-point number of 64 bits.
        case float64
        /// Text in UTF-8.
        case string
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

extension GoType {
    /// The Go type that a Swift type stands for, nil if it stands for none. Swift's `Int` is Go's `int64`, which the tasks
    /// of most services take; ``GoInt`` is Go's `int`.
    public init?(_ type: any Any.Type) {
        guard let known = Self.byType[ObjectIdentifier(type)] else { return nil }
        self = known
    }

    private static let byType: [ObjectIdentifier: GoType] = {
        var types: [ObjectIdentifier: GoType] = [ObjectIdentifier(Data.self): .bytes]
        func add<Value>(_ type: Value.Type, _ scalar: Scalar) {
            types[ObjectIdentifier(type)] = GoType(scalar)
            types[ObjectIdentifier([Value].self)] = GoType(scalar, isSlice: true)
        }
        add(Bool.self, .bool)
        add(Int.self, .int64)
        add(GoInt.self, .int)
        add(Int8.self, .int8)
        add(Int16.self, .int16)
        add(Int32.self, .int32)
        add(Int64.self, .int64)
        add(UInt.self, .uint64)
        add(GoUInt.self, .uint)
        add(UInt8.self, .uint8)
        add(UInt16.self, .uint16)
        add(UInt32.self, .uint32)
        add(UInt64.self, .uint64)
        add(Float.self, .float32)
        add(Double.self, .float64)
        add(String.self, .string)
        return types
    }()
}
