import CeleriacWire
import CeleryWire
import Foundation

/// The operations of the codec tier's Celery part that write.
extension CeleryAnswers {
    static func writeTask(_ question: WireValue) throws -> WireValue {
        let serializer = question["serializer"]?.stringValue ?? "json"
        guard let known = CelerySerializer(rawValue: serializer) else {
            throw ConformanceError("the serializer \(serializer) is unknown")
        }
        var task = CeleryTaskMessage(
            task: try question.kitText("task"), id: try question.kitText("task_id"),
            args: question["args"]?.arrayValue ?? [], kwargs: question["kwargs"]?.objectValue ?? [:],
            embed: CeleryEmbed(
                callbacks: question["callbacks"], errbacks: question["errbacks"], chain: question["chain"],
                chord: question["chord"]),
            serializer: known, compression: try compression(question))
        task.origin = "celeriac-conform"
        task.eta = question["eta"]?.stringValue
        task.expires = question["expires"]?.stringValue
        task.retries = question["retries"]?.intValue ?? 0
        if let limits = question["timelimit"]?.arrayValue, limits.count == 2 {
            task.timeLimit = CeleryTimeLimit(hard: limits[0].doubleValue, soft: limits[1].doubleValue)
        }
        task.group = question["group"]?.stringValue
        task.groupIndex = question["group_index"]?.intValue
        task.rootID = question["root_id"]?.stringValue
        task.parentID = question["parent_id"]?.stringValue
        task.ignoreResult = question["ignore_result"]?.boolValue
        task.shadow = question["shadow"]?.stringValue
        task.argsrepr = question["argsrepr"]?.stringValue
        task.kwargsrepr = question["kwargsrepr"]?.stringValue
        task.otherHeaders = question["headers"]?.objectValue ?? [:]
        task.properties.priority = question["priority"]?.intValue.flatMap { UInt8(exactly: $0) }
        task.properties.replyTo = question["reply_to"]?.stringValue
        let message = try task.encode(
            protocolVersion: question["protocol"]?.intValue ?? 2, nonFinite: .allow, limits: .kit)
        let envelope = KombuEnvelope(
            message: message, routingKey: question["queue"]?.stringValue ?? "celery",
            deliveryTag: UUID().uuidString.lowercased())
        return ["envelope": .string(Base64.encode(try envelope.encode()))]
    }

    private static func compression(_ question: WireValue) throws -> CompressionMethod? {
        guard let name = question["compression"]?.stringValue else { return nil }
        guard let method = CompressionMethod(celeryName: name) else {
            throw ConformanceError("the compression \(name) is unknown")
        }
        return method
    }

    static func writeResult(_ question: WireValue) throws -> WireValue {
        var result = question["result"] ?? .null
        if let error = question["error"] {
            let exception = CeleryRemoteException(
                excType: try error.kitText("type"), excMessage: error["args"]?.arrayValue ?? [],
                excModule: error["module"]?.stringValue)
            result = exception.encode()
        }
        let meta = CeleryResultMeta(
            status: try question.kitText("status"), result: result, traceback: question["traceback"]?.stringValue,
            children: question["children"] ?? [], dateDone: CeleryTime.text(Date()),
            taskID: try question.kitText("task_id"))
        return ["body": .string(Base64.encode(try meta.encode(nonFinite: .allow)))]
    }

    static func writeContent(_ question: WireValue) throws -> WireValue {
        let name = try question.kitText("serializer")
        guard let serializer = CelerySerializer(rawValue: name) else {
            throw ConformanceError("the serializer \(name) is unknown")
        }
        let bytes = try serializer.encode(question["value"] ?? .null, nonFinite: .allow)
        return [
            "content_type": .string(serializer.contentType), "content_encoding": .string(serializer.contentEncoding),
            "body": .string(Base64.encode(bytes)),
        ]
    }
}
