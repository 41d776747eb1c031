import Celeriac
import CeleriacWire
import Foundation

/// The stamps of a task, printed as the smoke tests' own signal handler prints them at a Python worker.
struct Stamps {
    private let values: WireObject

    /// The stamps of a task that begins; nil if it has none.
    init?(of context: TaskContext) {
        guard let stamps = context.request.celeryMessage?.stamps, !stamps.isEmpty else { return nil }
        values = stamps
    }

    /// JSON with sorted keys, each on a line of its own.
    var text: String {
        let lines = values.sorted { $0.key < $1.key }.map { name, value in
            "    \(Self.json(.string(name))): \(Self.json(value))"
        }
        return "{\n\(lines.joined(separator: ",\n"))\n}"
    }

    /// Prints them on standard output, where they can be read at once.
    func print() { try? FileHandle.standardOutput.write(contentsOf: Data("stamps = \(text)\n".utf8)) }

    private static func json(_ value: WireValue) -> String {
        String(decoding: (try? WireJSON.encode(value, style: .python)) ?? [], as: UTF8.self)
    }
}
