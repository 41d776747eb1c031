import CeleriacWire
import CeleryDialect
import CeleryWire
import Foundation

/// The operations of the codec tier's Celery part that read.
enum CeleryAnswers {
    static func readTask(_ question: WireValue) throws -> WireValue {
        var task = try CeleryTaskMessage.describe(messageBytes(question), limits: .kit)
        // A worker reads the times of what it has decoded.
        let decoded = try CeleryTaskMessage.decode(
            message(question), accept: [.json, .msgpack, .yaml], limits: .kit)
        _ = (try decoded.etaDate(), try decoded.expiresDate())
        if task["retries"]?.isNull != false { task["retries"] = 0 }
        if task["timelimit"]?.arrayValue?.count != 2 { task["timelimit"] = [nil, nil] }
        for name in ["callbacks", "errbacks", "chain", "chord"] where task[name]?.arrayValue?.isEmpty == true {
            task[name] = WireValue.null
        }
        return .object(task)
    }

    /// A message in one of the forms that `CeleryTaskMessage.describe` reads.
    private static func messageBytes(_ question: WireValue) throws -> [UInt8] {
        guard let amqp = question["amqp"] else { return try question.kitBytes("envelope") }
        let form: WireObject = [
            "properties": amqp["properties"] ?? [:], "headers": amqp["headers"] ?? [:],
            "body_base64": amqp["body"] ?? .null,
        ]
        return try WireJSON.encode(.object(form), style: .python, nonFinite: .allow)
    }

    private static func message(_ question: WireValue) throws -> WireMessage {
        guard let amqp = question["amqp"] else {
            return try KombuEnvelope.decode(question.kitBytes("envelope"), limits: .kit).message
        }
        var message = WireMessage(headers: amqp["headers"]?.objectValue ?? [:], body: try amqp.kitBytes("body"))
        message.properties.contentType = amqp["properties"]?["content_type"]?.stringValue
        message.properties.contentEncoding = amqp["properties"]?["content_encoding"]?.stringValue
        return message
    }

    static func readResult(_ question: WireValue) throws -> WireValue {
        let meta = try CeleryResultMeta.decode(question.kitBytes("body"), limits: .kit)
        func text(_ text: String?) -> WireValue { text.map { .string($0) } ?? .null }
        var error = WireValue.null
        if meta.state.hasException, let exception = meta.exception {
            error = ["type": .string(exception.excType), "args": .array(exception.excMessage)]
        }
        return [
            "status": .string(meta.status), "result": error.isNull ? meta.result : .null, "error": error,
            "traceback": text(meta.traceback), "children": meta.children ?? .null, "date_done": text(meta.dateDone),
            "task_id": text(meta.taskID), "parent_id": text(meta.parentID), "group_id": text(meta.groupID),
        ]
    }

    static func readEvents(_ question: WireValue) throws -> WireValue {
        .array(try CeleryEvent.objects(in: message(question), limits: .kit).map { .object($0) })
    }

    static func acceptsControl(_ question: WireValue) throws -> WireValue {
        let body = try WireJSON.encode(question["body"] ?? .null, style: .python)
        let message = WireMessage(properties: MessageProperties(contentType: "application/json"), body: body)
        return .bool(try CeleryControlRequest.decode(message).isFor(nodeName: question.kitText("node")))
    }

    static func readContent(_ question: WireValue) throws -> WireValue {
        let bytes = try question.kitBytes("body")
        let type = try question.kitText("content_type")
        switch CelerySerializer(contentType: type) {
        case .json?: return try WireJSON.decode(bytes, limits: .kit)
        case .msgpack?: return try WireMessagePack.decode(bytes, limits: .kit)
        case .yaml?: return try WireYAML.decode(bytes, limits: .kit)
        case .pickle?, .auth?, nil: throw ConformanceError("\(type) is refused")
        }
    }

    static func readTime(_ question: WireValue) throws -> WireValue {
        guard let date = CeleryTime.date(try question.kitText("text")),
            let microseconds = Int64(exactly: (date.timeIntervalSince1970 * 1e6).rounded())
        else { throw ConformanceError("not a time") }
        return .int(microseconds)
    }

    static func nextOfCrontab(_ question: WireValue) throws -> WireValue {
        func field(_ name: String) -> CrontabField {
            switch question["fields"]?[name] {
            case .int(let number)?: .numbers([Int(clamping: number)])
            case .string(let text)?: .text(text)
            default: .any
            }
        }
        let crontab = try Crontab(
            minute: field("minute"), hour: field("hour"), dayOfWeek: field("day_of_week"),
            dayOfMonth: field("day_of_month"), monthOfYear: field("month_of_year"))
        guard let after = CeleryTime.date(try question.kitText("after")), let next = crontab.next(after: after),
            let text = CeleryTime.text(next)
        else { throw ConformanceError("it is never due") }
        return .string(text)
    }

    static func matchesTopic(_ question: WireValue) throws -> WireValue {
        let expression = try Regex(TopicPattern.expression(of: question.kitText("pattern")))
        return .bool(try question.kitText("key").firstMatch(of: expression) != nil)
    }

    static func representation(_ question: WireValue) -> WireValue {
        let representation = PythonRepr()
        if let args = question["args"]?.arrayValue { return .string(representation.text(args: args)) }
        return .string(representation.text(kwargs: question["kwargs"]?.objectValue ?? [:]))
    }
}
