package import CeleriacCore
package import CeleriacWire
import CeleryWire
package import MachineryWire

/// Turns the values of one task system into those of the other, and refuses what would change on the way.
package struct ValueTranslation: Sendable {
    private let leniencies: Set<Leniency>
    private let coding = CeleryValueCoding()

    /// Makes a translation that changes only what it may.
    package init(_ leniencies: Set<Leniency> = []) { self.leniencies = leniencies }

    // MARK: Towards Go

    /// Types a value of Celery.
    ///
    /// - Parameters:
    ///   - value: the value.
    ///   - type: Go's type; nil for the one that the value suggests.
    ///   - place: what the value is, for a person.
    /// - Returns: the argument.
    /// - Throws: ``MessageFault`` with the reason: `null`, `integerOverflow`, `emptyList`, `fraction`, or the code of a
    ///   ``MachineryWireError``.
    package func argument(
        of value: WireValue, type: String?, _ place: String
    ) throws(MessageFault) -> MachineryArgument {
        let value = plain(value)
        do throws(MachineryWireError) {
            guard let type else { return try untyped(value, place) }
            let argument = MachineryArgument(type: type, value: try typed(value, GoType(name: type), place))
            try argument.validate()
            return argument
        } catch {
            throw MessageFault(reason: error.code.rawValue, detail: "\(place) cannot be carried: \(error.message)")
        }
    }

    /// Bytes in place of the object in which Celery's JSON has them.
    private func plain(_ value: WireValue) -> WireValue {
        guard case .object = value, case .bytes(let bytes)? = try? coding.value(of: .bytes, from: value) else {
            return value
        }
        return .bytes(bytes)
    }

    private func untyped(_ value: WireValue, _ place: String) throws(MachineryWireError) -> MachineryArgument {
        if let element = [value].appending(value.arrayValue).first(where: \.isPastGoIntegers) {
            throw MachineryWireError(
                .integerOverflow, "\(element.kindInWords) fits neither int64 nor uint64")
        }
        switch value {
        case .null: throw MachineryWireError(.null, "null has no type in Go; name one, and say what null becomes")
        case .array([]): throw MachineryWireError(.emptyList, "an empty list has no type; name one")
        default: return try MachineryArgument(untyped: value)
        }
    }

    /// The value as a message of Machinery has it.
    private func typed(_ value: WireValue, _ type: GoType?, _ place: String) throws(MachineryWireError) -> WireValue {
        guard let type else { return value }
        guard type.isSlice else { return try scalar(value, type.scalar) }
        switch value {
        case .bytes(let bytes) where type == .bytes: return .string(Base64.encode(bytes))
        case .array(let elements):
            return .array(
                try elements.map { element throws(MachineryWireError) in try scalar(element, type.scalar) })
        // A slice of Go may be nil.
        case .null: return .array([])
        // Go would take text for base64 here.
        case .string:
            throw MachineryWireError(.valueMismatch, "text is not \(type.name)")
        default: return value
        }
    }

    private func scalar(_ value: WireValue, _ type: GoType.Scalar) throws(MachineryWireError) -> WireValue {
        switch value {
        case .null:
            guard leniencies.contains(.nullAsZero) else {
                throw MachineryWireError(.null, "null is no \(type.rawValue)")
            }
            return type.zero
        case .double(let number) where !type.isFloat && type != .string && type != .bool:
            guard leniencies.contains(.wholeFloats), let whole = Int64(exactly: number) else {
                throw MachineryWireError(.fraction, "a float is no \(type.rawValue)")
            }
            return .int(whole)
        default: return value
        }
    }

    // MARK: Towards Python

    /// A typed value of Machinery as Celery's JSON has it.
    ///
    /// - Throws: ``MessageFault`` with the code of a ``MachineryWireError`` as its reason.
    package func value(of argument: MachineryArgument, _ place: String) throws(MessageFault) -> WireValue {
        do throws(MachineryWireError) {
            try argument.validate()
        } catch {
            throw MessageFault(reason: error.code.rawValue, detail: "\(place) cannot be carried: \(error.message)")
        }
        guard let type = GoType(name: argument.type) else { return argument.value }
        if type.isSlice, case .string(let text) = argument.value {
            guard let bytes = try? Base64.decode(text) else { return argument.value }
            if type == .bytes { return try python(bytes: bytes, place) }
            return .array(bytes.map { .int(Int64($0)) })
        }
        // Without a type of its own Python would take `3` for an integer.
        if type.scalar.isFloat {
            switch argument.value {
            case .array(let elements): return .array(elements.map(\.asFloat))
            case let number: return number.isNull ? .array([]) : number.asFloat
            }
        }
        if type == .bytes, case .array(let elements) = argument.value {
            return try python(bytes: elements.compactMap { $0.intValue.flatMap { UInt8(exactly: $0) } }, place)
        }
        if type.isSlice, argument.value.isNull { return type == .bytes ? try python(bytes: [], place) : .array([]) }
        return argument.value
    }

    private func python(bytes: [UInt8], _ place: String) throws(MessageFault) -> WireValue {
        do throws(WireError) {
            return try coding.wireValue(for: .bytes(bytes))
        } catch {
            throw MessageFault(reason: error.code.rawValue, detail: "\(place) cannot be carried: \(error.message)")
        }
    }
}

extension MachineryWireError.Code {
    /// An integer is past what Go's integers hold.
    static let integerOverflow = Self(rawValue: "integerOverflow")
    /// Null came where Go has a scalar.
    static let null = Self(rawValue: "null")
    /// A list without elements suggests no type.
    static let emptyList = Self(rawValue: "emptyList")
    /// A float came where Go has an integer.
    static let fraction = Self(rawValue: "fraction")
}

extension GoType.Scalar {
    var isFloat: Bool { self == .float32 || self == .float64 }

    fileprivate var zero: WireValue {
        switch self {
        case .bool: false
        case .string: ""
        case .float32, .float64: .double(0)
        default: 0
        }
    }
}

extension WireValue {
    /// Whether it is an integer that neither `int64` nor `uint64` holds.
    fileprivate var isPastGoIntegers: Bool {
        guard case .number(let text) = self else { return false }
        return UInt64(text) == nil && text.allSatisfy { $0.isNumber || $0 == "-" || $0 == "+" }
    }

    fileprivate var asFloat: WireValue { doubleValue.map { .double($0) } ?? self }
}

extension [WireValue] {
    fileprivate func appending(_ others: [WireValue]?) -> [WireValue] { self + (others ?? []) }
}
