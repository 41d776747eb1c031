import CeleriacWire

/// The arguments of a call as they go to the wire.
struct EncodedArguments: Sendable {
    var positional: [WireValue] = []
    var keywords: WireObject = [:]
}

/// Encodes the arguments of a call, one after the other, into positional and keyword arguments.
struct ArgumentCollector {
    private let shape: TaskShape
    private let encoder: WireEncoder
    private let byKeyword: Bool
    private var index = 0
    private(set) var encoded = EncodedArguments()

    init(shape: TaskShape, encoder: WireEncoder, byKeyword: Bool) {
        self.shape = shape
        self.encoder = encoder
        self.byKeyword = byKeyword
    }

    mutating func add<Argument: Encodable>(_ argument: Argument) throws {
        defer { index += 1 }
        if let calls = encoder.coding.callCoding {
            let arguments = (argument as? any SeveralArguments)?.each ?? [argument]
            return encoded.positional.append(contentsOf: try arguments.map { try calls.encodeArgument($0) })
        }
        let value = try encoder.encode(argument)
        switch (shape.kinds[index], value) {
        case (.rest, .array(let rest)):
            encoded.positional.append(contentsOf: rest)
        case (.keywordRest, .object(let rest)):
            encoded.keywords.merge(rest, uniquingKeysWith: { $1 })
        default:
            if byKeyword, index < shape.parameters.count {
                encoded.keywords[shape.parameters[index].name] = value
            } else {
                encoded.positional.append(value)
            }
        }
    }
}

/// Binds the arguments of a request to a task's parameters, one after the other, as a Python call does.
///
/// It throws the dialect's failure for a bad call if they do not fit.
struct ArgumentBinder {
    private let task: String
    private let shape: TaskShape
    private let arguments: [WireValue]
    private var keywords: WireObject
    private let decoder: WireDecoder
    private let dialect: any Dialect
    /// The parameter whose turn it is.
    private var index = 0
    /// The first positional argument that no parameter has taken.
    private var position = 0

    init(task: String, shape: TaskShape, request: TaskRequest, dialect: any Dialect) {
        self.task = task
        self.shape = shape
        self.arguments = request.arguments
        self.keywords = request.keywordArguments
        self.decoder = WireDecoder(coding: dialect.valueCoding)
        self.dialect = dialect
    }

    /// The value of the next parameter.
    mutating func next<Argument: Decodable>(_ type: Argument.Type) throws -> Argument {
        defer { index += 1 }
        if let calls = decoder.coding.callCoding { return try next(type, calls) }
        switch shape.kinds[index] {
        case .rest:
            let rest = WireValue.array(Array(arguments[min(position, arguments.count)...]))
            position = arguments.count
            return try decode(type, from: rest)
        case .keywordRest:
            let rest = keywords
            keywords = [:]
            return try decode(type, from: .object(rest))
        case .single, .optional:
            return try decode(type, from: nextValue())
        }
    }

    /// Refuses arguments that no parameter took.
    func finish() throws {
        if position < arguments.count {
            if let calls = decoder.coding.callCoding { throw failure(calls.text(of: .tooManyArguments)) }
            throw mismatch("takes \(shape.kinds.count) positional arguments but \(arguments.count) were given")
        }
        if let name = keywords.first?.key {
            throw mismatch("got an unexpected keyword argument '\(name)'")
        }
    }

    /// The next parameter's value, for a dialect that reads arguments and words refusals itself.
    private mutating func next<Argument: Decodable>(_ type: Argument.Type, _ calls: any CallCoding) throws -> Argument {
        do {
            if let several = type as? any SeveralArguments.Type {
                defer { position = arguments.count }
                let rest = arguments[min(position, arguments.count)...]
                if let value = try several.init(rest, coding: calls) as? Argument { return value }
            }
            guard position < arguments.count else { throw CallError(calls.text(of: .tooFewArguments)) }
            defer { position += 1 }
            return try calls.decodeArgument(type, from: arguments[position])
        } catch let error as CallError {
            throw failure(error.text)
        }
    }

    private mutating func nextValue() throws -> WireValue {
        let parameter = index < shape.parameters.count ? shape.parameters[index] : nil
        if position < arguments.count {
            defer { position += 1 }
            if let parameter, keywords[parameter.name] != nil {
                throw mismatch("got multiple values for argument '\(parameter.name)'")
            }
            return arguments[position]
        }
        if let parameter {
            if let value = keywords.removeValue(forKey: parameter.name) { return value }
            if let value = parameter.defaultValue { return value }
        }
        if case .optional = shape.kinds[index] { return .null }
        throw mismatch("missing required argument \(shape.place(of: index))")
    }

    private func decode<Argument: Decodable>(_ type: Argument.Type, from value: WireValue) throws -> Argument {
        do {
            return try decoder.decode(type, from: value)
        } catch {
            throw mismatch("argument \(shape.place(of: index)) is not a \(type): \(error)")
        }
    }

    private func mismatch(_ text: String) -> TaskFailure { failure("\(task)() \(text)") }

    private func failure(_ text: String) -> TaskFailure { dialect.failure(for: .badCall(text)) }
}
