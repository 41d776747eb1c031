import CeleriacWire
import OrderedCollections

/// A task message taken apart by protocol, before its fields are read.
struct RawTask {
    /// 1 or 2.
    var protocolVersion: Int
    /// Where the fields stand: the headers, or the body of protocol 1.
    var fields: WireObject
    var args: WireValue
    var kwargs: WireValue
    /// Where callbacks, errbacks, chain and chord stand; empty where there are none.
    var embed: WireObject

    /// Takes a message apart in the order in which a Celery worker recognizes it: the header `task` makes it protocol 2,
    /// a body object with `task` makes it protocol 1.
    init(headers: WireObject, body: WireValue) throws(CeleryWireError) {
        guard headers["task"] != nil else {
            guard case .object(let object) = body, object["task"] != nil else {
                throw CeleryWireError(
                    .notATask, "neither the headers nor the body name a task; is this queue used for something else?")
            }
            self.init(protocol1: object)
            return
        }
        switch body {
        case .array(let parts) where parts.count == 3:
            protocolVersion = 2
            fields = headers
            args = parts[0]
            kwargs = parts[1]
            embed = try Self.embed(parts[2])
        case .object(let object) where object["args"] != nil:
            self.init(hybrid: object, headers: headers)
        default:
            throw .invalid("body", "a body of protocol 2 must be an array of three: [args, kwargs, embed]")
        }
    }

    private init(protocol1 body: WireObject) {
        protocolVersion = 1
        fields = body
        // Celery's older name of the group; where both stand, it is the one that counts.
        if let group = body["taskset"] { fields["group"] = group }
        args = body["args"] ?? .array([])
        kwargs = body["kwargs"] ?? .object([:])
        embed = body
        // A chain came with protocol 2. A Celery worker does not look at it here.
        embed["chain"] = nil
    }

    /// Headers of protocol 2 over a body of protocol 1, as some clients sent between the two. The headers win.
    private init(hybrid body: WireObject, headers: WireObject) {
        self.init(protocol1: body)
        protocolVersion = 2
        fields = body.filter { Self.hybridFields.contains($0.key) }
        fields.merge(headers) { _, header in header }
    }

    /// What a Celery worker takes from the body of such a message.
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
