import CeleriacWire

/// Encodes the arguments of a call in order, into positional and keyword arguments.
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
