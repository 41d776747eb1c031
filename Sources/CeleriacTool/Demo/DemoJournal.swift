import CeleriacCommand
import CeleriacWire
import Synchronization

/// What `celeriac demo` tells: a line for each exchange as soon as it has ended, or at the end one JSON object of all.
final class DemoJournal: Sendable {
    /// Whether JSON is wanted.
    let isJSON: Bool
    private let exchanges = Mutex<[WireValue]>([])

    init(json: Bool) { isJSON = json }

    /// Tells a person something.
    func say(_ line: String) {
        if !isJSON { CommandEnvironment.write(line: line) }
    }

    /// Tells of an exchange.
    func note(route: String, call: String, got: String, isRight: Bool, expected: String) {
        guard isJSON else {
            let gap = String(repeating: " ", count: max(1, 17 - route.count))
            let padding = String(repeating: " ", count: max(1, 37 - call.count))
            let remark = isRight ? "" : "   expected \(expected)"
            return CommandEnvironment.write(line: "\(route)\(gap)\(call)\(padding)\(got)\(remark)")
        }
        add([
            "route": .string(route), "call": .string(call), "value": .string(got), "right": .bool(isRight),
            "expected": .string(expected),
        ])
    }

    /// Takes the exchanges that the Python side has written, one JSON object a line.
    func add(lines: [UInt8]) {
        for line in lines.split(separator: UInt8(ascii: "\n")) {
            if let value = try? WireJSON.decode(Array(line)) { add(value) }
        }
    }

    private func add(_ exchange: WireValue) { exchanges.withLock { $0.append(exchange) } }

    /// Prints the object if JSON is wanted.
    func finish(failures: Int) {
        let all = exchanges.withLock { $0 }
        CommandOutput(json: isJSON).show(["exchanges": .array(all), "failures": .int(Int64(failures))]) { [] }
    }
}
