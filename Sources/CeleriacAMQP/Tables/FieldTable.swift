#if AMQP

internal import CRabbitMQ
internal import CeleriacWire

/// Converts between AMQP field tables and wire objects, through librabbitmq's structures.
///
/// Reading accepts every type that RabbitMQ delivers: `t b B s u I i L l f d D S A T F V x`. `L` is read as signed,
/// since py-amqp writes it that way. A timestamp becomes its seconds since 1970, a decimal becomes an integer or a
/// decimal text, and text that is not UTF-8 becomes bytes.
///
/// Writing uses py-amqp's types: `S` for text, `V` for null, `t` for Booleans, `I` for integers of 32 bits, `d` for
/// doubles, `A` for arrays, `F` for tables; and `x` for bytes. Larger integers are written as `l`, which every client
/// reads, where py-amqp writes `L`.
enum FieldTable {
    // MARK: Reading

    /// The object for a decoded table. `TableInspector` has passed the table, which bounds the recursion here. A name
    /// that occurs twice keeps its first position and its last value, as in Python.
    static func object(_ table: amqp_table_t) throws(AMQPError) -> WireObject {
        let entries = UnsafeBufferPointer(start: table.entries, count: Int(table.num_entries))
        var object = WireObject(minimumCapacity: entries.count)
        for entry in entries {
            guard let name = text(entry.key) else { throw .violation("a field's name is not UTF-8") }
            object.updateValue(try value(entry.value), forKey: name)
        }
        return object
    }

    private static func value(_ field: amqp_field_value_t) throws(AMQPError) -> WireValue {
        switch field.kind {
        case UInt8(ascii: "S"): text(field.value.bytes).map(WireValue.string) ?? .bytes(bytes(field.value.bytes))
        case UInt8(ascii: "V"): .null
        case UInt8(ascii: "t"): .bool(field.value.boolean != 0)
        case UInt8(ascii: "b"): .int(Int64(field.value.i8))
        case UInt8(ascii: "B"): .int(Int64(field.value.u8))
        case UInt8(ascii: "s"): .int(Int64(field.value.i16))
        case UInt8(ascii: "u"): .int(Int64(field.value.u16))
        case UInt8(ascii: "I"): .int(Int64(field.value.i32))
        case UInt8(ascii: "i"): .int(Int64(field.value.u32))
        case UInt8(ascii: "l"), UInt8(ascii: "L"): .int(field.value.i64)
        case UInt8(ascii: "f"): .double(Double(field.value.f32))
        case UInt8(ascii: "d"): .double(field.value.f64)
        case UInt8(ascii: "D"): decimal(field.value.decimal)
        case UInt8(ascii: "T"): Int64(exactly: field.value.u64).map(WireValue.int) ?? .number("\(field.value.u64)")
        case UInt8(ascii: "x"): .bytes(bytes(field.value.bytes))
        case UInt8(ascii: "F"): .object(try object(field.value.table))
        case UInt8(ascii: "A"): .array(try array(field.value.array))
        default: throw .violation("a field of unknown type \(field.kind)")
        }
    }

    private static func array(_ array: amqp_array_t) throws(AMQPError) -> [WireValue] {
        var values: [WireValue] = []
        values.reserveCapacity(Int(array.num_entries))
        for field in UnsafeBufferPointer(start: array.entries, count: Int(array.num_entries)) {
            values.append(try value(field))
        }
        return values
    }

    private static func decimal(_ decimal: amqp_decimal_t) -> WireValue {
        let number = Int32(bitPattern: decimal.value)
        guard decimal.decimals > 0 else { return .int(Int64(number)) }
        var digits = String(number.magnitude)
        let missing = Int(decimal.decimals) + 1 - digits.utf8.count
        if missing > 0 { digits = String(repeating: "0", count: missing) + digits }
        digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -Int(decimal.decimals)))
        return .number(number < 0 ? "-" + digits : digits)
    }

    /// The text of the bytes; `nil` if they are not UTF-8.
    static func text(_ bytes: amqp_bytes_t) -> String? {
        guard bytes.len > 0 else { return "" }
        return String(
            validating: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len).bindMemory(to: UInt8.self),
            as: UTF8.self)
    }

    private static func bytes(_ bytes: amqp_bytes_t) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len))
    }

    // MARK: Writing

    /// Lays out a table for librabbitmq in the pool's memory.
    ///
    /// - Returns: The table, and how many bytes it takes on the wire, including its own length.
    static func table(
        _ object: WireObject, in pool: CodecPool, depth: Int = 0
    ) throws(AMQPError) -> (amqp_table_t, size: Int) {
        guard depth < TableInspector.depthLimit else {
            throw .invalid("its headers or arguments are nested deeper than \(TableInspector.depthLimit)")
        }
        guard !object.isEmpty else { return (amqp_table_t(), 4) }
        let entries = try pool.allocate(amqp_table_entry_t.self, count: object.count)
        var size = 4
        var index = 0
        for (key, value) in object {
            let name = try pool.copyShort(key, "header or argument name")
            let field = try field(value, in: pool, depth: depth, size: &size)
            entries[index] = amqp_table_entry_t(key: name, value: field)
            size += 1 + name.len
            index += 1
        }
        return (amqp_table_t(num_entries: Int32(clamping: index), entries: entries), size)
    }

    private static func field(
        _ value: WireValue, in pool: CodecPool, depth: Int, size: inout Int
    ) throws(AMQPError) -> amqp_field_value_t {
        var field = amqp_field_value_t()
        size += 1
        switch value {
        case .null:
            field.kind = UInt8(ascii: "V")
        case .bool(let flag):
            field.kind = UInt8(ascii: "t")
            field.value.boolean = flag ? 1 : 0
            size += 1
        case .int(let number):
            if let small = Int32(exactly: number) {
                field.kind = UInt8(ascii: "I")
                field.value.i32 = small
                size += 4
            } else {
                field.kind = UInt8(ascii: "l")
                field.value.i64 = number
                size += 8
            }
        case .double(let number):
            // RabbitMQ answers a NaN or an infinity by closing the connection.
            guard number.isFinite else { throw .invalid("a header or argument is not a finite number") }
            field.kind = UInt8(ascii: "d")
            field.value.f64 = number
            size += 8
        case .number(let text):
            guard let decimal = decimal(text) else {
                throw .invalid("a header or argument is a number beyond 64 bits")
            }
            field.kind = UInt8(ascii: "D")
            field.value.decimal = decimal
            size += 5
        case .string(let text):
            field.kind = UInt8(ascii: "S")
            field.value.bytes = try pool.copy(text)
            size += 4 + field.value.bytes.len
        case .bytes(let bytes):
            field.kind = UInt8(ascii: "x")
            field.value.bytes = try pool.copy(bytes)
            size += 4 + bytes.count
        case .array(let values):
            field.kind = UInt8(ascii: "A")
            field.value.array = try array(values, in: pool, depth: depth + 1, size: &size)
        case .object(let object):
            field.kind = UInt8(ascii: "F")
            let (table, tableSize) = try table(object, in: pool, depth: depth + 1)
            field.value.table = table
            size += tableSize
        }
        return field
    }

    private static func array(
        _ values: [WireValue], in pool: CodecPool, depth: Int, size: inout Int
    ) throws(AMQPError) -> amqp_array_t {
        guard depth < TableInspector.depthLimit else {
            throw .invalid("its headers or arguments are nested deeper than \(TableInspector.depthLimit)")
        }
        size += 4
        guard !values.isEmpty else { return amqp_array_t() }
        let fields = try pool.allocate(amqp_field_value_t.self, count: values.count)
        for (index, value) in values.enumerated() {
            fields[index] = try field(value, in: pool, depth: depth, size: &size)
        }
        return amqp_array_t(num_entries: Int32(clamping: values.count), entries: fields)
    }

    /// The AMQP decimal for a text such as `-12.34`, if it fits: up to 255 places and 32 bits of digits.
    private static func decimal(_ text: String) -> amqp_decimal_t? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let places = UInt8(exactly: parts[1].utf8.count),
            let number = Int32(parts[0] + parts[1])
        else { return nil }
        return amqp_decimal_t(decimals: places, value: UInt32(bitPattern: number))
    }
}

#endif
