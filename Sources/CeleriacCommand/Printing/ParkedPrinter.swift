import Celeriac
import CeleriacCore
import CeleriacWire
import Foundation

/// Prints parked messages.
struct ParkedPrinter {
    let output: CommandOutput

    /// Prints a line for each message.
    ///
    /// - Parameters:
    ///   - found: the messages.
    ///   - queue: the queue that was looked at.
    ///   - isFiltered: whether not every message of it was meant.
    func list(_ found: ParkedSelection, of queue: String, isFiltered: Bool) {
        output.show(object(of: found, summary)) {
            if found.messages.isEmpty { return Self.absence(found, of: queue, isFiltered: isFiltered) }
            let rows: [[String?]] = found.messages.map { [$0.id, $0.task, $0.taskID, $0.reason, time($0)] }
            return TextTable(["ID", "TASK", "TASK ID", "REASON", "PARKED AT"], rows, empty: "").lines
        }
    }

    /// Prints all that is known of each message. Its parameters are those of ``list(_:of:isFiltered:)``.
    func show(_ found: ParkedSelection, of queue: String, isFiltered: Bool) {
        output.show(object(of: found, whole)) {
            found.messages.isEmpty
                ? Self.absence(found, of: queue, isFiltered: isFiltered) : found.messages.flatMap(lines)
        }
    }

    /// What is said instead of messages. Other queues may have some, so the queue is named; of ids that nobody has, an
    /// error has told already.
    static func absence(_ found: ParkedSelection, of queue: String, isFiltered: Bool) -> [String] {
        guard found.unknownIDs.isEmpty else { return [] }
        let queue = queue.printable
        return [isFiltered ? "No parked message of \(queue) matches." : "No message is parked in \(queue)."]
    }

    private func object(of found: ParkedSelection, _ form: (ParkedMessage) -> WireObject) -> WireObject {
        ["messages": .array(found.messages.map { .object(form($0)) }), "not_found": ids(found.unknownIDs)]
    }

    private func ids(_ ids: [String]) -> WireValue { .array(ids.map { .string($0) }) }

    private func lines(of message: ParkedMessage) -> [String] {
        let named: [(String, String?)] = [
            ("id", message.id), ("task", message.task), ("task id", message.taskID), ("queue", message.queue),
            ("reason", message.reason), ("detail", message.detail), ("parked at", time(message)),
            ("parked by", message.worker), ("failure", failure(message)),
            ("headers", message.loneHeaders.map { CommandOutput.json(.object($0)) }),
            ("properties", message.loneProperties.map { CommandOutput.json(.object($0)) }),
        ]
        let content = text(of: message)?.printable ?? "base64 " + Base64.encode(message.message)
        return named.compactMap { name, value in
            value.flatMap { $0.isEmpty ? nil : "\(name): \($0.printable)" }
        } + ["message: \(content)", ""]
    }

    /// Prints what was done to messages, and what was not.
    ///
    /// - Parameters:
    ///   - outcome: what became of the messages.
    ///   - verb: what was to be done.
    ///   - isDryRun: whether nothing was done.
    ///   - tellsOfFailures: whether it matters that callers were told of failures.
    func changed(_ outcome: ParkedOutcome, verb: String, isDryRun: Bool, tellsOfFailures: Bool = false) {
        let told = tellsOfFailures ? outcome.done.filter { $0.failureIsStored != nil } : []
        let left = outcome.left.map { WireValue.object(["id": .string($0.message.id), "why": .string($0.why)]) }
        var object: WireObject = [
            "count": .int(Int64(outcome.done.count)), "ids": ids(outcome.done.map(\.id)),
            "done": .string(verb), "dry_run": .bool(isDryRun), "left": .array(left),
            "not_found": ids(outcome.unknownIDs),
        ]
        if tellsOfFailures { object["failed_before"] = ids(told.map(\.id)) }
        output.show(object) {
            outcome.done.map(line) + outcome.left.map { "\(line($0.message))  still parked: \($0.why)" }
                + ["\(outcome.done.count.counting("message")) \(verb)"]
        }
        if outcome.isUnknown {
            CommandEnvironment.say(
                "Some of the messages may have been \(verb), and some not: somebody else looks at them, or the connection "
                    + "was lost. List them again.")
        }
        if !told.isEmpty {
            CommandEnvironment.say(
                "Warning: the callers of \(told.count) of these tasks may know already that they failed; error callbacks, "
                    + "chords and chains have gone on with that.")
        }
    }

    private func line(_ message: ParkedMessage) -> String {
        [message.id, message.task, message.taskID].compactMap { $0?.printable }.joined(separator: "  ")
    }

    private func failure(_ message: ParkedMessage) -> String? {
        message.failureIsStored.map { $0 ? "stored" : "not stored when it was parked" }
    }

    private func summary(_ message: ParkedMessage) -> WireObject {
        func text(_ value: String?) -> WireValue { value.map { .string($0) } ?? .null }
        return [
            "id": .string(message.id), "task": text(message.task), "task_id": text(message.taskID),
            "queue": .string(message.queue), "reason": .string(message.reason), "detail": .string(message.detail),
            "time": text(time(message)), "worker": .string(message.worker),
            "failure_stored": message.failureIsStored.map { .bool($0) } ?? .null,
        ]
    }

    private func whole(_ message: ParkedMessage) -> WireObject {
        var object = summary(message)
        if let text = text(of: message) {
            object["message"] = .string(text)
        } else {
            object["message_base64"] = .string(Base64.encode(message.message))
        }
        if let headers = message.loneHeaders { object["headers"] = .object(headers) }
        if let properties = message.loneProperties { object["properties"] = .object(properties) }
        return object
    }

    private func text(of message: ParkedMessage) -> String? { String(validating: message.message, as: UTF8.self) }

    private func time(_ message: ParkedMessage) -> String? {
        message.time.map { $0.ISO8601Format() }
    }
}

extension ParkedMessage {
    /// The headers, where the message's bytes do not contain them.
    fileprivate var loneHeaders: WireObject? {
        content.flatMap { $0.body == message && !$0.headers.isEmpty ? $0.headers : nil }
    }

    /// The properties, where the message's bytes do not contain them.
    fileprivate var loneProperties: WireObject? {
        guard let content, content.body == message else { return nil }
        let properties = content.properties
        var object = properties.other
        for (name, value) in [
            ("content_type", properties.contentType), ("content_encoding", properties.contentEncoding),
            ("correlation_id", properties.correlationID), ("reply_to", properties.replyTo),
            ("expiration", properties.expiration), ("message_id", properties.messageID), ("type", properties.type),
            ("user_id", properties.userID), ("app_id", properties.appID),
        ] {
            if let value { object[name] = .string(value) }
        }
        if let mode = properties.deliveryMode { object["delivery_mode"] = .int(Int64(mode)) }
        if let priority = properties.priority { object["priority"] = .int(Int64(priority)) }
        if let timestamp = properties.timestamp { object["timestamp"] = .int(Int64(clamping: timestamp)) }
        return object.isEmpty ? nil : object
    }
}
