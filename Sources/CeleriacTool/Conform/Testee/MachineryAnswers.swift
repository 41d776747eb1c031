import CeleriacWire
import MachineryWire

/// The operations of the codec tier's Machinery part.
enum MachineryAnswers {
    /// The answer to an operation; nil if there is no such operation.
    static func answer(_ operation: String, line: [UInt8]) throws -> WireValue? {
        // Go keeps the text of numbers, and a conversion's errors quote it.
        let question = try WireJSON.decode(line, limits: .kit, reading: .go)
        switch operation {
        case "signature.read":
            return .object(try MachinerySignature.describe(question.kitBytes("body")))
        case "signature.rewrite":
            return body(try MachinerySignature.decode(question.kitBytes("body")).encode())
        case "state.read":
            return try parsed(MachineryTaskState.decode(question.kitBytes("body")).encode())
        case "state.rewrite":
            return body(try MachineryTaskState.decode(question.kitBytes("body")).encode())
        case "group.read":
            return try parsed(MachineryGroupMeta.decode(question.kitBytes("body")).encode())
        case "group.rewrite":
            return body(try MachineryGroupMeta.decode(question.kitBytes("body")).encode())
        case "argument.convert":
            let argument = MachineryArgument(type: try question.kitText("type"), value: question["value"] ?? .null)
            let signature = MachinerySignature(name: "kit.task", args: [argument])
            return ["value": try signature.convertedArguments().first?.value ?? .null]
        case "gotime.read":
            guard let time = GoTime(try question.kitText("text")) else { throw ConformanceError("not a time") }
            return .int(time.unixNanoseconds)
        case "gojson.write":
            // Here a number is a value: its text in the question is that of whoever wrote the kit.
            let value = try WireJSON.decode(line, limits: .kit)["value"] ?? .null
            let sorted = value.objectValue.map { WireValue.object($0.sortedAsGo) } ?? value
            return ["text": .string(String(decoding: try WireJSON.encode(sorted, style: .go), as: UTF8.self))]
        default: return .none
        }
    }

    private static func body(_ bytes: [UInt8]) -> WireValue { ["body": .string(Base64.encode(bytes))] }

    private static func parsed(_ bytes: [UInt8]) throws -> WireValue { try WireJSON.decode(bytes, limits: .kit) }
}
