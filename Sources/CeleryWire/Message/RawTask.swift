import CeleriacWire

/// A task message split into the parts that its protocol gives it, before its fields are read.
struct RawTask {
    /// 1 or 2.
    var protocolVersion: Int
    /// The object with the fields: the headers, or the body of protocol 1.
    var fields: WireObject
    var args: WireValue
    var kwargs: WireValue
    /// The object with callbacks, errbacks, chain and chord; empty if there are none.
    var embed: WireObject

    /// Splits a message. As in a Celery worker, the header `task` means protocol 2, otherwise `task` in the body means
    /// protocol 1.
    static func parse(headers: WireObject, body: WireValue) throws(CeleryWireError) -> RawTask {
        guard headers["task"] != nil else {
            guard case .object(let object) = body, object["task"] != nil else {
                throw CeleryWireError(
                    .notATask, "neither the headers nor the body name a task; is this queue used for something else?")
            }
            return protocol1(object)
        }
        switch body {
        case .array(let parts) where parts.count == 3:
            return RawTask(
                protocolVersion: 2, fields: headers, args: parts[0], kwargs: parts[1], embed: try embed(parts[2]))
        case .object(let object) where object["args"] != nil:
            return hybrid(object, headers: headers)
        default:
            throw .invalid("body", "a body of protocol 2 must be an array of three: [args, kwargs, embed]")
        }
    }

    private static func protocol1(_ body: WireObject) -> RawTask {
        var task = RawTask(
            protocolVersion: 1, fields: body, args: body["args"] ?? .array([]), kwargs: body["kwargs"] ?? .object([:]),
            embed: body)
        // Celery's older name of the group, which takes precedence.
        if let group = body["taskset"] { task.fields["group"] = group }
        // Chains came with protocol 2. A Celery worker ignores one here.
        if body["chain"] != nil { task.embed["chain"] = .null }
        return task
    }

    /// Reads headers of protocol 2 with a body of protocol 1, which some clients send. The headers take precedence.
    private static func hybrid(_ body: WireObject, headers: WireObject) -> RawTask {
        var task = protocol1(body)
        task.protocolVersion = 2
        task.fields = body.filter { hybridFields.contains($0.key) }
        task.fields.merge(headers) { _, header in header }
        return task
    }

    /// The fields that a Celery worker reads from the body of such a message.
    private static let hybridFields: Set<String> = [
        "lang", "task", "id", "root_id", "parent_id", "group", "shadow", "eta", "expires", "retries", "timelimit",
        "argsrepr", "kwargsrepr", "origin",
    ]

    private static func embed(_ value: WireValue) throws(CeleryWireError) -> WireObject {
        switch value {
        case .object(let object): object
        case .null: [:]
        default: throw .invalid("embed", "the third element of the body must be an object or null")
        }
    }
}

/// The fields of a task message, which are in the headers (protocol 2) or in the body (protocol 1).
enum TaskField: Int {
    // In the order in which Celery 5 writes the headers of protocol 2.
    case lang, task, id, shadow, eta, expires, group, groupIndex, retries, timeLimit, rootID, parentID
    case argsrepr, kwargsrepr, origin, ignoreResult, replacedTaskNesting, stampedHeaders, stamps
    // Not in every message.
    case compression, redelivered

    /// Finds the field with a name. It compares lengths first because it runs for every header of every message.
    init?(_ name: String) {
        switch name.utf8.count {
        case 2 where name == "id": self = .id
        case 3 where name == "eta": self = .eta
        case 4 where name == "lang": self = .lang
        case 4 where name == "task": self = .task
        case 5 where name == "group": self = .group
        case 6 where name == "shadow": self = .shadow
        case 6 where name == "origin": self = .origin
        case 6 where name == "stamps": self = .stamps
        case 7 where name == "expires": self = .expires
        case 7 where name == "retries": self = .retries
        case 7 where name == "root_id": self = .rootID
        case 8 where name == "argsrepr": self = .argsrepr
        case 9 where name == "timelimit": self = .timeLimit
        case 9 where name == "parent_id": self = .parentID
        case 10 where name == "kwargsrepr": self = .kwargsrepr
        case 11 where name == "group_index": self = .groupIndex
        case 11 where name == "compression": self = .compression
        case 11 where name == "redelivered": self = .redelivered
        case 13 where name == "ignore_result": self = .ignoreResult
        case 15 where name == "stamped_headers": self = .stampedHeaders
        case 21 where name == "replaced_task_nesting": self = .replacedTaskNesting
        default: return nil
        }
    }

    /// The headers of every protocol 2 message, in the order of the cases up to `stamps`.
    static let headerNames: [String] = [
        "lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id",
        "parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting", "stamped_headers",
        "stamps",
    ]
}
