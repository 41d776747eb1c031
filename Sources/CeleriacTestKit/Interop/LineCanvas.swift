import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryWire
import Foundation

/// The trees of the producers' protocol as signatures.
enum LineCanvas {
    /// Makes the signature of a task, a chain, a group or a chord.
    ///
    /// - Throws: `CeleriacError` with code `unsupported` for a tree or an option that Swift does not have.
    static func signature(_ tree: WireValue) throws -> Signature<WireValue> {
        if let steps = tree["chain"]?.arrayValue { return chain(try steps.map { try signature($0) }) }
        if let members = tree["group"]?.arrayValue { return group(try members.map { try signature($0) }).signature() }
        if let members = tree["chord"]?.arrayValue, let body = tree["body"] {
            return chord(try members.map { try signature($0) }, body: try signature(body))
        }
        guard let task = tree["task"]?.stringValue else {
            throw CeleriacError(.unsupported, "a canvas is a task, a chain, a group, or a chord with its body")
        }
        var made = Signature<WireValue>(
            task, arguments: tree["args"]?.arrayValue ?? [], keywordArguments: tree["kwargs"]?.objectValue ?? [:]
        ).with(try options(tree["options"]))
        for link in tree["options"]?["link"]?.arrayValue ?? [] { made = made.onSuccess(try signature(link)) }
        for link in tree["options"]?["link_error"]?.arrayValue ?? [] { made = made.onFailure(try signature(link)) }
        return tree["immutable"]?.boolValue == true ? made.immutable() : made
    }

    /// The options of Python's `send_task`. Machinery's `retry_count` is none of them, and is not refused here.
    private static func options(_ value: WireValue?) throws -> SendOptions {
        var options = SendOptions()
        for (name, value) in value?.objectValue ?? [:] {
            switch name {
            case "task_id": options.taskID = value.stringValue
            case "queue": options.queue = value.stringValue
            case "exchange": options.exchange = value.stringValue
            case "routing_key": options.routingKey = value.stringValue
            case "serializer": options.serializer = value.stringValue.map { Serializer(rawValue: $0) }
            case "compression": options.compression = value.stringValue.map { Compression(rawValue: $0) }
            case "ignore_result": options.ignoresResult = value.boolValue
            case "headers": options.headers = value.objectValue ?? [:]
            case "priority": options.priority = value.intValue.flatMap { UInt8(exactly: $0) }
            case "countdown": options.countdown = try duration(value, name)
            case "soft_time_limit": options.timeLimits.soft = try duration(value, name)
            case "time_limit": options.timeLimits.hard = try duration(value, name)
            case "eta": options.eta = try date(value, name)
            case "expires" where value.doubleValue != nil: options.expiresAfter = try duration(value, name)
            case "expires": options.expires = try date(value, name)
            // Callbacks are no options of Swift's.
            case "link", "link_error", "retry_count": break
            default: throw CeleriacError(.unsupported, "Swift has no option \(name)")
            }
        }
        return options
    }

    private static func duration(_ value: WireValue, _ name: String) throws -> Duration {
        let longest = Double(Duration.longestSeconds)
        guard let seconds = value.doubleValue, -longest...longest ~= seconds else {
            throw CeleriacError(.unsupported, "the option \(name) is not a number of seconds")
        }
        return .seconds(seconds)
    }

    /// A time as text, or in the form in which Celery's JSON carries it.
    private static func date(_ value: WireValue, _ name: String) throws -> Date {
        let text = value.stringValue ?? value["__value__"]?.stringValue
        guard let date = text.flatMap({ CeleryTime.date($0) }) else {
            throw CeleriacError(.unsupported, "the option \(name) is not a time such as 2027-01-31T12:00:00+01:00")
        }
        return date
    }
}
