import Celeriac
import CeleriacWire
import Foundation

/// An AMQP method from a client, with its arguments and the properties of the message that follows it. Two methods are
/// equal if their bytes are, except for the order of a table's entries, which Go randomizes.
struct SentMethod: Hashable, CustomStringConvertible {
    let name: String
    /// The arguments as JSON with sorted keys.
    var arguments: String
    var properties = ""

    var description: String { "\(name) \(arguments) \(properties)" }

    /// The methods of a capture.
    static func captured(_ document: WireValue) -> [SentMethod] {
        (document["wire"]?.arrayValue ?? []).compactMap { entry in
            guard entry["dir"] == "c2s", let name = entry["method"]?.stringValue, let arguments = entry["args"] else {
                return nil
            }
            return SentMethod(
                name: name, arguments: text(arguments), properties: entry["properties"].map { text($0) } ?? "")
        }
    }

    /// The methods in what a client sent over one connection.
    static func sent(_ bytes: [UInt8]) throws -> [SentMethod] {
        var reader = FieldReader(bytes[8...])
        var methods: [SentMethod] = []
        while !reader.isAtEnd {
            let kind = try reader.integer(1)
            _ = try reader.integer(2)
            var payload = FieldReader(try reader.take(Int(reader.integer(4))))
            guard try reader.integer(1) == 0xCE else { throw FieldReader.Malformed() }
            switch kind {
            case 1:
                let method = (try payload.integer(2), try payload.integer(2))
                guard let (name, fields) = layouts["\(method.0).\(method.1)"] else { continue }
                methods.append(SentMethod(name: name, arguments: text(try payload.arguments(fields))))
            case 2:
                _ = try payload.take(12)
                guard let last = methods.indices.last else { throw FieldReader.Malformed() }
                methods[last].properties = text(try payload.properties())
            default: break
            }
        }
        return methods
    }

    enum Field {
        case short(String)
        case number(String, bytes: Int)
        case bits([String])
        case table(String)
        case reserved
    }

    private static let layouts: [String: (String, [Field])] = [
        "40.10": (
            "exchange.declare",
            [
                .reserved, .short("exchange"), .short("type"),
                .bits(["passive", "durable", "auto_delete", "internal", "no_wait"]), .table("arguments"),
            ]
        ),
        "50.10": (
            "queue.declare",
            [
                .reserved, .short("queue"), .bits(["passive", "durable", "exclusive", "auto_delete", "no_wait"]),
                .table("arguments"),
            ]
        ),
        "50.20": (
            "queue.bind",
            [
                .reserved, .short("queue"), .short("exchange"), .short("routing_key"), .bits(["no_wait"]),
                .table("arguments"),
            ]
        ),
        "60.10": (
            "basic.qos", [.number("prefetch_size", bytes: 4), .number("prefetch_count", bytes: 2), .bits(["global"])]
        ),
        "60.20": (
            "basic.consume",
            [
                .reserved, .short("queue"), .short("consumer_tag"),
                .bits(["no_local", "no_ack", "exclusive", "no_wait"]), .table("arguments"),
            ]
        ),
        "60.40": (
            "basic.publish", [.reserved, .short("exchange"), .short("routing_key"), .bits(["mandatory", "immediate"])]
        ),
        "60.70": ("basic.get", [.reserved, .short("queue"), .bits(["no_ack"])]),
        "60.80": ("basic.ack", [.number("delivery_tag", bytes: 8), .bits(["multiple"])]),
        "85.10": ("confirm.select", [.bits(["no_wait"])]),
    ]

    private static func text(_ value: WireValue) -> String {
        String(decoding: (try? WireJSON.encode(sorted(value), style: .go)) ?? [], as: UTF8.self)
    }

    private static func sorted(_ value: WireValue) -> WireValue {
        guard case .object(let object) = value else { return value }
        var ordered: WireObject = [:]
        for key in object.keys.sorted() { ordered[key] = sorted(object[key] ?? .null) }
        return .object(ordered)
    }
}

/// Decodes AMQP's fields into the form that the captures use.
private struct FieldReader {
    struct Malformed: Error {}

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count >= 0, rest.count >= count else { throw Malformed() }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    mutating func integer(_ bytes: Int) throws -> Int64 {
        try take(bytes).reduce(0) { $0 << 8 | Int64($1) }
    }

    private mutating func short() throws -> WireValue {
        .string(String(decoding: try take(Int(integer(1))), as: UTF8.self))
    }

    mutating func arguments(_ fields: [SentMethod.Field]) throws -> WireValue {
        var arguments: WireObject = [:]
        for field in fields {
            switch field {
            case .short(let name): arguments[name] = try short()
            case .number(let name, let bytes): arguments[name] = .int(try integer(bytes))
            case .bits(let names):
                let bits = try integer(1)
                for (index, name) in names.enumerated() { arguments[name] = .bool(bits >> index & 1 == 1) }
            case .table(let name): arguments[name] = try table()
            case .reserved: _ = try integer(2)
            }
        }
        guard isAtEnd else { throw Malformed() }
        return .object(arguments)
    }

    /// Decodes the properties that task messages use.
    mutating func properties() throws -> WireValue {
        let flags = try integer(2)
        var properties: WireObject = [:]
        if flags & 0x8000 != 0 { properties["content_type"] = try short() }
        if flags & 0x2000 != 0 { properties["headers"] = try table() }
        if flags & 0x1000 != 0 { properties["delivery_mode"] = .int(try integer(1)) }
        if flags & 0x0800 != 0 { properties["priority"] = .int(try integer(1)) }
        if flags & 0x0100 != 0 { properties["expiration"] = try short() }
        guard isAtEnd, flags & 0x46FF == 0 else { throw Malformed() }
        return .object(properties)
    }

    private mutating func table() throws -> WireValue {
        var reader = FieldReader(try take(Int(integer(4))))
        var table: WireObject = [:]
        while !reader.isAtEnd {
            guard case .string(let name) = try reader.short() else { throw Malformed() }
            let type = UInt8(try reader.integer(1))
            let value: WireValue
            switch type {
            case UInt8(ascii: "S"):
                let text = try reader.take(Int(reader.integer(4)))
                value = .string(String(decoding: text, as: UTF8.self))
            case UInt8(ascii: "t"): value = .bool(try reader.integer(1) != 0)
            case UInt8(ascii: "V"): value = .null
            case UInt8(ascii: "I"): value = .int(try reader.integer(4))
            case UInt8(ascii: "l"): value = .int(try reader.integer(8))
            default: throw Malformed()
            }
            table[name] = ["type": .string(String(UnicodeScalar(type))), "value": value]
        }
        return .object(table)
    }
}
