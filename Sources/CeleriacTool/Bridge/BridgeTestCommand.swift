import ArgumentParser
import CeleriacBridge
import CeleriacCommand
import CeleriacWire
import Foundation

/// `celeriac bridge test FILE CASES`: compares what becomes of messages with what should.
struct BridgeTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Try messages in the routes of a bridge, without servers; exit status 1 if one differs.",
        discussion: """
            The cases are a list in YAML. Each has a message as it lies in the source's queue, and what is expected: the \
            reason of its refusal, or parts of what it becomes.

              - route: to-python
                message: {UUID: task_1, Name: add, Args: [{Type: int64, Value: 1}]}
                expect: {task: "1", messages: [{headers: {task: tasks.add}}]}
              - route: to-python
                message: {UUID: task_2, Name: add, Args: [{Type: int8, Value: 300}]}
                refused: valueOutOfRange
            """)

    @OptionGroup var file: BridgeFileArgument

    @Argument(help: ArgumentHelp("The cases, in YAML.", valueName: "cases"))
    var cases: String

    @OptionGroup var printing: OutputOptions

    func run() async throws {
        let file = try file.read()
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: cases)))
        let list = try WireYAML.decode(bytes).arrayValue ?? []
        guard !list.isEmpty else { throw ValidationError("The file \(cases) has no list of cases.") }
        var failures: [(number: Int, became: WireObject)] = []
        for (index, one) in list.enumerated() {
            let input = try one["message"].map { try WireJSON.encode($0) } ?? []
            let explanation = try BridgeExplanation(of: input, route: one["route"]?.stringValue, in: file)
            let isAsExpected =
                if let refused = one["refused"] {
                    explanation.object["refused"] == refused
                } else {
                    explanation.refusal == nil && Self.holds(one["expect"] ?? [:], of: .object(explanation.object))
                }
            if isAsExpected { continue }
            failures.append((number: index + 1, became: explanation.object))
        }
        show(failures, of: list.count)
        if !failures.isEmpty { throw ExitCode(1) }
    }

    private func show(_ failures: [(number: Int, became: WireObject)], of count: Int) {
        let object: WireObject = [
            "cases": .int(Int64(count)),
            "failures": .array(
                failures.map { ["case": .int(Int64($0.number)), "became": .object($0.became)] as WireValue }),
        ]
        printing.output.show(object) {
            failures.map { "case \($0.number) became \(CommandOutput.json(.object($0.became)))" }
                + ["\(count - failures.count) of \(count) cases are as expected"]
        }
    }

    /// Whether a value has all that is expected of it: the same, or objects and lists whose parts have.
    private static func holds(_ expected: WireValue, of value: WireValue) -> Bool {
        switch (expected, value) {
        case (.object(let expected), .object(let value)):
            expected.allSatisfy { key, part in value[key].map { holds(part, of: $0) } ?? false }
        case (.array(let expected), .array(let value)):
            expected.count == value.count && zip(expected, value).allSatisfy { holds($0, of: $1) }
        default: expected == value
        }
    }
}
