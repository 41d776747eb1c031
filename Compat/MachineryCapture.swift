import CeleriacWire
import Foundation
import MachineryWire

/// The content of one capture of Machinery: what went over the wire, and what remained on the servers.
struct MachineryCapture {
    let name: String
    /// Tasks: list elements, members of the delayed set, AMQP bodies.
    private(set) var signatures: [[UInt8]] = []
    /// Task states: values in Redis, AMQP bodies.
    private(set) var states: [[UInt8]] = []
    private(set) var groups: [[UInt8]] = []
    /// The number of times each AMQP method with a message appears.
    private(set) var methods: [String: Int64] = [:]

    init(_ url: URL) throws {
        name = url.lastPathComponent
        let document = try WireJSON.decode([UInt8](Data(contentsOf: url)))
        for part in ["wire", "redis_keys_after", "rabbitmq"] { walk(document[part] ?? .null) }
    }

    /// The folder of the captures.
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "machinery")

    /// All captures, by name.
    static let all: [MachineryCapture] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.sorted().filter { $0.hasSuffix(".json") && $0 != "INVENTORY.json" }.compactMap {
            try? MachineryCapture(folder.appending(path: $0))
        }
    }()

    private mutating func walk(_ value: WireValue) {
        switch value {
        case .string(let text): sort(Array(text.utf8))
        case .array(let values): for value in values { walk(value) }
        case .object(let object):
            if let method = object["method"]?.stringValue,
                ["basic.publish", "basic.deliver", "basic.get-ok"].contains(method)
            {
                methods[method, default: 0] += 1
            }
            for value in object.values { walk(value) }
        default: break
        }
    }

    /// Sorts the content of one string.
    private mutating func sort(_ bytes: [UInt8]) {
        guard bytes.first == UInt8(ascii: "{"),
            case .object(let object)? = try? WireJSON.decode(bytes, reading: .go)
        else { return }
        let keys = Set(object.keys.map { $0.lowercased() })
        if keys.isSuperset(of: ["taskuuid", "state"]) {
            states.append(bytes)
        } else if keys.contains("taskuuids") {
            groups.append(bytes)
        } else if keys.contains("name") {
            signatures.append(bytes)
        }
    }
}
