import struct FoundationEssentials.Data

/// A type of Machinery's arguments: a scalar or a slice of scalars. A Go worker refuses all other types.
package struct GoType: Sendable, Hashable {
    /// The scalar types. Go's `int` and `uint` have 64 bits.
    package enum Scalar: String, Sendable, Hashable, CaseIterable {
        case bool, string
        case int, int8, int16, int32, int64
        case uint, uint8, uint16, uint32, uint64
        case float32, float64
    }

    /// The scalar type, or the element type of the slice.
    package var scalar: Scalar
    package var isSlice: Bool

    package init(_ scalar: Scalar, isSlice: Bool = false) {
        self.scalar = scalar
        self.isSlice = isSlice
    }

    /// Go's `[]byte`, which is the same type as `[]uint8`. On the wire it is base64.
    package static let bytes = GoType(.uint8, isSlice: true)

    /// Finds the type with a name in a message; `nil` if Machinery knows no such type.
    package init?(name: String) {
        guard let known = Self.byName[name] else { return nil }
        self = known
    }

    /// Go's own name of the type, which stored results have. For bytes it is `[]uint8`.
    package var name: String { isSlice ? "[]" + scalar.rawValue : scalar.rawValue }

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
    /// Finds the Go type that corresponds to a Swift type; `nil` if there is none. Swift's `Int` corresponds to Go's
    /// `int64`, which most services use; ``GoInt`` corresponds to Go's `int`.
    package init?(_ type: any Any.Type) {
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
