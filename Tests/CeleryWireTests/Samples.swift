import CeleriacWire
import CeleryWire
import Testing

/// Messages that the tests modify.
enum Samples {
    static let id = "11111111-1111-4111-8111-111111111111"

    /// A message of protocol 2 with every header, as Celery 5.7 sends it.
    static func protocol2(
        headers: WireObject = [:], body: String = #"[[2, 3], {}, {"callbacks": null}]"#
    ) -> WireMessage {
        var all: WireObject = [
            "lang": "py", "task": "capapp.add", "id": .string(id), "shadow": nil, "eta": nil, "expires": nil,
            "group": nil, "group_index": nil, "retries": 0, "timelimit": [nil, nil], "root_id": .string(id),
            "parent_id": nil, "argsrepr": "(2, 3)", "kwargsrepr": "{}", "origin": "gen1@vm", "ignore_result": false,
            "replaced_task_nesting": 0, "stamped_headers": nil, "stamps": [:],
        ]
        all.merge(headers) { _, new in new }
        return message(headers: all, body: body)
    }

    /// A message of protocol 1, whose body is the object with these members changed. `nil` removes a member.
    static func protocol1(_ members: KeyValuePairs<String, WireValue?> = [:]) throws -> WireMessage {
        var body: WireObject = [
            "task": "capapp.add", "id": .string(id), "args": [2, 3], "kwargs": [:], "group": nil, "group_index": nil,
            "retries": 0, "eta": nil, "expires": nil, "utc": true, "callbacks": nil, "errbacks": nil,
            "timelimit": [nil, nil], "taskset": nil, "chord": nil,
        ]
        for (name, value) in members { body[name] = value }
        return message(headers: [:], body: String(decoding: try WireJSON.encode(.object(body)), as: UTF8.self))
    }

    static func message(headers: WireObject, body: String) -> WireMessage {
        WireMessage(
            headers: headers,
            properties: MessageProperties(
                contentType: "application/json", contentEncoding: "utf-8", deliveryMode: 2, priority: 0,
                correlationID: id, replyTo: "reply"),
            body: Array(body.utf8))
    }

    /// An envelope in which tests replace text by other text.
    static let envelope = """
        {"body": "W1syLCAzXSwge30sIHsiY2FsbGJhY2tzIjogbnVsbCwgImVycmJhY2tzIjogbnVsbCwgImNoYWluIjogbnVsbCwgImNob3JkIjog\
        bnVsbH1d", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"lang": "py", "task": \
        "capapp.add", "id": "11111111-1111-4111-8111-111111111111", "retries": 0}, "properties": {"correlation_id": \
        "11111111-1111-4111-8111-111111111111", "reply_to": "r", "delivery_mode": 2, "delivery_info": {"exchange": "", \
        "routing_key": "celery"}, "priority": 0, "body_encoding": "base64", "delivery_tag": "tag-1"}}
        """

    static func envelope(replacing text: String, by other: String) throws -> [UInt8] {
        try #require(envelope.contains(text))
        return Array(envelope.replacing(text, with: other).utf8)
    }
}

/// The error that an expression throws.
func failure<T>(_ body: () throws(CeleryWireError) -> T) -> CeleryWireError? {
    do throws(CeleryWireError) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}
