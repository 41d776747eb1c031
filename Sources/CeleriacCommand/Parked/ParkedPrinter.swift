import Celeriac
import CeleriacCore
import CeleriacWire
import Foundation

/// Prints parked messages, as readable text or as one JSON object in ASCII.
struct ParkedPrinter {
    let json: Bool

    /// Prints a line for each message.
    func list(_ messages: [ParkedMessage]) {
        if json { return print(["messages": .array(messages.map { .object(summary($0)) })]) }
        if messages.isEmpty { return write("No message is parked.") }
        let rows =
            [["ID", "TASK", "TASK ID", "REASON", "PARKED AT"]]
            + messages.map { message in
                [message.id, message.task ?? "-", message.taskID ?? "-", message.reason, time(message) ?? "-"]
            }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            write(cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces))
        }
    }

    /// Prints all that is known of each message.
    func show(_ messages: [ParkedMessage]) {
        if json { return print(["messages": .array(messages.map { .object(whole($0)) })]) }
        if messages.isEmpty { return write("No message is parked.") }
        for message in messages {
            write("id: \(message.id)")
            for (name, value) in [
                ("task", message.task), ("task id", message.taskID), ("queue", message.queue),
                ("reason", message.reason), ("detail", message.detail), ("parked at", time(message)),
                ("parked by", message.worker),
            ] {
                if let value, !value.isEmpty { write("\(name): \(value)") }
            }
            write("message: \(text(of: message) ?? "base64 " + Base64.encode(message.message))\n")
        }
    }

    /// Prints what was done to messages.
    func changed(_ messages: [ParkedMessage], count: Int, verb: String) {
        if json {
            return print([
                "count": .int(Int64(count)), "ids": .array(messages.map { .string($0.id) }), "done": .string(verb),
            ])
        }
        for message in messages {
            write([message.id, message.task, message.taskID].compactMap { $0 }.joined(separator: "  "))
        }
        write("\(count) \(count == 1 ? "message" : "messages") \(verb)")
    }

    private func summary(_ message: ParkedMessage) -> WireObject {
        func text(_ value: String?) -> WireValue { value.map { .string($0) } ?? .null }
        return [
            "id": .string(message.id), "task": text(message.task), "task_id": text(message.taskID),
            "queue": .string(message.queue), "reason": .string(message.reason), "detail": .string(message.detail),
            "time": text(time(message)), "worker": .string(message.worker),
        ]
    }

    private func whole(_ message: ParkedMessage) -> WireObject {
        var object = summary(message)
        if let text = text(of: message) {
            object["message"] = .string(text)
        } else {
            object["message_base64"] = .string(Base64.encode(message.message))
        }
        return object
    }

    private func text(of message: ParkedMessage) -> String? { String(validating: message.message, as: UTF8.self) }

    private func time(_ message: ParkedMessage) -> String? {
        message.time.map { $0.ISO8601Format() }
    }

    private func print(_ object: WireObject) {
        write(
            (try? WireJSON.encode(.object(object), style: .python)).map { String(decoding: $0, as: UTF8.self) } ?? "{}")
    }

    private func write(_ line: String) { CommandEnvironment.write(Array(line.utf8)) }
}
