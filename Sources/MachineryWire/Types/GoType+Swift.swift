import struct FoundationEssentials.Data

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
