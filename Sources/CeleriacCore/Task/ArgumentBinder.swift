import CeleriacWire

/// Binds the arguments of a request to a task's parameters, in order, as a Python call does.
struct ArgumentBinder {
    private let task: String
    private let shape: TaskShape
    private let arguments: [WireValue]
    private var keywords: WireObject
    private let decoder: WireDecoder
    private var index = 0
    private var position = 0

    init(task: String, shape: TaskShape, arguments: [WireValue], keywords: WireObject, decoder: WireDecoder) {
        self.task = task
        self.shape = shape
        self.arguments = arguments
        self.keywords = keywords
        self.decoder = decoder
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

    /// The next parameter's value, where the dialect reads arguments and words refusals itself.
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
            throw TaskFailure("error", error.text)
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
        throw mismatch(
            "missing required argument \(parameter.map { "'\($0.name)'" } ?? String(index + 1))")
    }

    private func decode<Argument: Decodable>(_ type: Argument.Type, from value: WireValue) throws -> Argument {
        do {
            return try decoder.decode(type, from: value)
        } catch {
            let name = index < shape.parameters.count ? "'\(shape.parameters[index].name)'" : String(index + 1)
            throw mismatch("argument \(name) is not a \(type): \(error)")
        }
    }

    /// Refuses what no parameter took.
    func finish() throws {
        if position < arguments.count {
            if let calls = decoder.coding.callCoding {
                throw TaskFailure("error", calls.text(of: .tooManyArguments))
            }
            throw mismatch("takes \(shape.kinds.count) positional arguments but \(arguments.count) were given")
        }
        if let name = keywords.keys.first {
            throw mismatch("got an unexpected keyword argument '\(name)'")
        }
    }

    /// What Python raises for a call that does not fit.
    private func mismatch(_ text: String) -> TaskFailure {
        TaskFailure("TypeError", "\(task)() \(text)")
    }
}
