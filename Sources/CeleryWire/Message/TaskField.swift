/// The fields of a task message that stand in the headers (protocol 2) or in the body (protocol 1).
enum TaskField: Int {
    // In the order in which Celery 5 writes the headers of protocol 2.
    case lang, task, id, shadow, eta, expires, group, groupIndex, retries, timeLimit, rootID, parentID
    case argsrepr, kwargsrepr, origin, ignoreResult, replacedTaskNesting, stampedHeaders, stamps
    // Only where they apply.
    case compression, redelivered

    /// The field of a name. Dispatches on the length first, since this runs for every header of every message.
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

    /// The names in the order of the cases up to `stamps`: the headers that every message of protocol 2 has.
    static let headerNames: [String] = [
        "lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id",
        "parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting", "stamped_headers",
        "stamps",
    ]
}
