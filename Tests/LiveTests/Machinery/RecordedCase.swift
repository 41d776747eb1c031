import Celeriac
import CeleriacWire
import Foundation
import MachineryWire

/// A capture of real Machinery as a script: what its producer stored and pushed, and what remained at the end.
struct RecordedCase: Sendable {
    let name: String
    /// What the producer stored, in order, as keys and values.
    private(set) var stored: [(key: String, value: String)] = []
    /// What the producer pushed.
    private(set) var pushed: [String] = []
    /// What anyone pushed, including the worker, each message once.
    private(set) var everPushed: [String] = []
    /// The messages that the worker logged as received, each once.
    private(set) var received: [String] = []
    /// The messages that the worker logged as unreadable.
    private(set) var unreadable: [String] = []
    /// The bodies that the producer published at RabbitMQ.
    private(set) var published: [String] = []
    /// The bodies that RabbitMQ delivered to the worker, each once.
    private(set) var delivered: [String] = []
    /// The ids of the tasks that the producer sent.
    private var sent: Set<String> = []
    /// The keys at the end.
    private(set) var left: [String: [String]] = [:]

    static let folder = URL(filePath: #filePath).appending(path: "../../../../Compat/machinery").standardized

    init(_ name: String) throws {
        self.name = name
        let url = Self.folder.appending(path: "\(name).json")
        let document = try WireJSON.decode([UInt8](Data(contentsOf: url)))
        var hasWorkerBegun = false
        for entry in document["wire"]?.arrayValue ?? [] {
            let command = entry["cmd"]?.arrayValue?.compactMap(\.stringValue) ?? []
            let message = entry["method"]?.stringValue == "basic.publish" ? entry["body"]?.stringValue : nil
            if entry["method"]?.stringValue == "basic.deliver" {
                let body = entry["body"]?.stringValue ?? ""
                if !delivered.contains(body) { delivered.append(body) }
            }
            switch command.first?.uppercased() {
            case "SET" where command.count > 2:
                let value = command[2]
                if value.contains(#""State":"RECEIVED""#) { hasWorkerBegun = true }
                if !hasWorkerBegun, !command.contains("NX") { stored.append((command[1], value)) }
            case "RPUSH" where command.count > 2:
                if !everPushed.contains(command[2]) { everPushed.append(command[2]) }
                // A message that a worker pushes back counts once.
                if isProducers(command[2], hasWorkerBegun) { pushed.append(command[2]) }
            default:
                if let message, isProducers(message, hasWorkerBegun) { published.append(message) }
            }
        }
        for line in document["worker_log"]?.arrayValue?.compactMap(\.stringValue) ?? [] {
            if let found = line.firstMatch(of: /Received new message: (.*)/), !received.contains(String(found.1)) {
                received.append(String(found.1))
            }
            if let found = line.firstMatch(of: /Could not unmarshal '(.*)' into a task signature/) {
                unreadable.append(String(found.1))
            }
        }
        for key in document["redis_keys_after"]?.arrayValue ?? [] {
            guard let name = key["key"]?.stringValue else { continue }
            switch key["value"] {
            case .string(let text)?: left[name] = [text]
            case .array(let elements)?:
                left[name] = elements.flatMap { $0.arrayValue?.compactMap(\.stringValue) ?? [$0.stringValue ?? ""] }
            default: left[name] = []
            }
        }
    }

    /// Members of a group may be pushed after the worker has started with the first; their states are stored before. A
    /// message that appears a second time is a retry.
    private mutating func isProducers(_ message: String, _ hasWorkerBegun: Bool) -> Bool {
        guard let uuid = try? MachinerySignature.decode(Array(message.utf8)).uuid else { return false }
        guard !hasWorkerBegun || stored.contains(where: { $0.key == uuid }) else { return false }
        return sent.insert(uuid).inserted
    }

    /// A text without everything that differs between runs: generated ids, times, scores.
    static func normalized(_ text: String) -> String {
        var text = text.replacing(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/, with: "ID")
        text = text.replacing(/20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/, with: "TIME")
        // These are nanoseconds since 1970, with the last digits as a double prints them.
        return text.replacing(/^1[7-9]\d{17}$|^1\.[7-9]\d*e\+18$/, with: "SCORE")
    }

    /// The content of a database without everything that differs between runs, including the order of a group in its
    /// queue.
    static func normalized(_ content: [String: [String]]) -> [String] {
        content.map { key, values in
            normalized(key) + " = " + values.map { normalized($0) }.sorted().joined(separator: " | ")
        }
        .sorted()
    }
}
