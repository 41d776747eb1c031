import ArgumentParser
import CeleriacCommand
import CeleriacWire

/// `celeriac conform-testee`: this package as a testee of the codec tier.
struct CodecTesteeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conform-testee",
        abstract: "Answer the questions of the conformance kit's codec tier.",
        shouldDisplay: false)

    func run() async throws {
        while let line = readLine(strippingNewline: true) {
            CommandEnvironment.write(CodecAnswers.answer(to: Array(line.utf8)))
        }
    }
}

/// The answers of this package to the questions of the codec tier.
enum CodecAnswers {
    /// The line that answers a line.
    static func answer(to line: [UInt8]) -> [UInt8] {
        guard let question = try? WireJSON.decode(line, limits: .kit), let id = question["id"],
            let operation = question["op"]?.stringValue
        else { return Self.line(["id": nil, "refused": "not a question"]) }
        do {
            guard let answer = try Self.answer(operation, question, line: line) else {
                return Self.line(["id": id, "unimplemented": true])
            }
            return Self.line(["id": id, "answer": ConformanceValue.normal(answer)])
        } catch {
            // The text of a `CallError` is Go's, and its description hides it.
            let reason = (error as? CallError)?.text ?? "\(error)"
            return Self.line(["id": id, "refused": .string(reason)])
        }
    }

    /// The answer to an operation; nil if there is no such operation.
    private static func answer(_ operation: String, _ question: WireValue, line: [UInt8]) throws -> WireValue? {
        switch operation {
        case "about": return ["name": "Celeriac", "version": .string(CommandVersion.line)]
        case "task.read": return try CeleryAnswers.readTask(question)
        case "task.write": return try CeleryAnswers.writeTask(question)
        case "result.read": return try CeleryAnswers.readResult(question)
        case "result.write": return try CeleryAnswers.writeResult(question)
        case "event.read": return try CeleryAnswers.readEvents(question)
        case "control.accepts": return try CeleryAnswers.acceptsControl(question)
        case "content.read": return try CeleryAnswers.readContent(question)
        case "content.write": return try CeleryAnswers.writeContent(question)
        case "repr": return CeleryAnswers.representation(question)
        case "time.read": return try CeleryAnswers.readTime(question)
        case "crontab.next": return try CeleryAnswers.nextOfCrontab(question)
        case "topic.match": return try CeleryAnswers.matchesTopic(question)
        default: return try MachineryAnswers.answer(operation, line: line)
        }
    }

    private static func line(_ object: WireObject) -> [UInt8] {
        let encoded = try? WireJSON.encode(.object(object), style: .python, maximumDepth: WireLimits.kit.maximumDepth)
        return encoded ?? Array(#"{"id": null, "refused": "the answer has no form in JSON"}"#.utf8)
    }
}

extension WireValue {
    /// The text of a question's part.
    ///
    /// - Throws: ``ConformanceError`` if the part is missing or is not text.
    func kitText(_ name: String) throws(ConformanceError) -> String {
        guard let text = self[name]?.stringValue else { throw ConformanceError("the question has no \(name)") }
        return text
    }

    /// The bytes of a question's part in base64.
    ///
    /// - Throws: ``ConformanceError`` if the part is missing or is not base64.
    func kitBytes(_ name: String) throws -> [UInt8] { try Base64.decode(kitText(name)) }
}
