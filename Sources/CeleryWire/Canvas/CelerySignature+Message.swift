package import CeleriacWire
import FoundationEssentials

extension CeleryTaskMessage {
    /// Makes the message of a task before any option is applied. It has the defaults that all sent messages share,
    /// whether their options come from a signature or from a call.
    package init(task: String, id: String, args: [WireValue], kwargs: WireObject, lineage: CeleryLineage) {
        self.init(task: task, id: id, args: args, kwargs: kwargs)
        rootID = lineage.rootID
        parentID = lineage.parentID
        origin = lineage.origin
        serializer = lineage.serializer
        ignoreResult = false
        properties.replyTo = lineage.replyTo
    }
}

extension CelerySignature {
    /// Makes the message that publishes a task's signature, and its route.
    func message(lineage: CeleryLineage, now: Date) throws(CeleryWireError) -> (CeleryTaskMessage, CeleryRoute) {
        var message = CeleryTaskMessage(task: task, id: id ?? "", args: args, kwargs: kwargs, lineage: lineage)
        var route = CeleryRoute(taskName: routedTask)
        var countdown: Double?
        let stamps = (options["stamped_headers"]?.arrayValue ?? []).compactMap(\.stringValue)
        for (name, value) in options where !value.isNull {
            switch name {
            case "task_id": break
            case "link": message.embed.callbacks = .array(list(name))
            case "link_error": message.embed.errbacks = .array(list(name))
            case "chain": message.embed.chain = value
            case "chord": message.embed.chord = value
            case "group_id": message.group = try Self.text(value, name)
            case "group_index": message.groupIndex = try Self.integer(value, name)
            case "root_id": message.rootID = try Self.text(value, name)
            case "parent_id": message.parentID = try Self.text(value, name)
            case "reply_to": message.properties.replyTo = try Self.text(value, name)
            case "countdown": countdown = try Self.number(value, name)
            case "eta": message.eta = try Self.time(value, name)
            case "expires":
                if let seconds = value.doubleValue {
                    message.expires = try Self.text(now.addingTimeInterval(seconds), name)
                } else {
                    message.expires = try Self.time(value, name)
                }
            case "retries": message.retries = try Self.integer(value, name)
            case "time_limit": message.timeLimit.hard = try Self.number(value, name)
            case "soft_time_limit": message.timeLimit.soft = try Self.number(value, name)
            case "ignore_result": message.ignoreResult = value.boolValue
            case "shadow": message.shadow = value.stringValue
            case "replaced_task_nesting": message.replacedTaskNesting = value.intValue ?? 0
            case "argsrepr": message.argsrepr = value.stringValue
            case "kwargsrepr": message.kwargsrepr = value.stringValue
            case "priority": message.properties.priority = value.intValue.flatMap { UInt8(exactly: $0) }
            case "headers":
                for (name, value) in value.objectValue ?? [:] { message.otherHeaders[name] = value }
            case "serializer":
                guard let name = value.stringValue, let known = CelerySerializer(rawValue: name) else {
                    throw .invalid("serializer", "there is no such serializer")
                }
                message.serializer = known
            case "compression":
                message.compression = try CompressionMethod(header: value)
            case "queue": route.queue = value.stringValue ?? value["name"]?.stringValue
            case "exchange": route.exchange = value.stringValue ?? value["name"]?.stringValue
            case "exchange_type": route.exchangeType = value.stringValue
            case "routing_key": route.routingKey = value.stringValue
            case "route_name": route.taskName = value.stringValue
            case "app_id": message.properties.appID = value.stringValue
            case "message_id": message.properties.messageID = value.stringValue
            case "user_id": message.properties.userID = value.stringValue
            case "type": message.properties.type = value.stringValue
            case "delivery_mode":
                message.properties.deliveryMode = value.intValue.flatMap { UInt8(exactly: $0) }
            case "stamped_headers":
                message.stampedHeaders = stamps
                for stamp in stamps { message.stamps[stamp] = options[stamp] ?? .null }
            // These tell Python's producer how to publish; they are not part of the message.
            case "retry", "retry_policy", "mandatory", "immediate", "add_to_parent", "producer", "connection",
                "router", "link_to":
                break
            case _ where stamps.contains(name): break
            default: message.properties.other[name] = value
            }
        }
        // As in Celery, zero means no countdown, and a negative one is a time that has passed. `text` refuses NaN.
        if let countdown, countdown != 0 {
            message.eta = try Self.text(now.addingTimeInterval(countdown), "countdown")
        }
        if let expires = try message.expiresDate() {
            message.properties.expiration = CeleryTime.expiration(expires: expires, now: now)
        }
        return (message, route)
    }

    /// The task whose name decides the route: `celery.map` and `celery.starmap` go where the task that they run goes.
    package var routedTask: String {
        guard task == "celery.map" || task == "celery.starmap" else { return task }
        return kwargs["task"]?["task"]?.stringValue ?? task
    }

    // Options of the wrong type are refused. Ignoring them would change when, where or for whom the task runs.

    private static func text(_ value: WireValue, _ option: String) throws(CeleryWireError) -> String {
        guard let text = value.stringValue else { throw .invalid(option, "the option must be text") }
        return text
    }

    private static func integer(_ value: WireValue, _ option: String) throws(CeleryWireError) -> Int {
        guard let number = value.wholeNumber else { throw .invalid(option, "the option must be a whole number") }
        return number
    }

    private static func number(_ value: WireValue, _ option: String) throws(CeleryWireError) -> Double {
        guard let number = value.doubleValue, number.isFinite else {
            throw .invalid(option, "the option must be a number")
        }
        return number
    }

    private static func time(_ value: WireValue, _ option: String) throws(CeleryWireError) -> String {
        guard let text = value.timeText, CeleryTime.date(text, utcOffset: 0) != nil else {
            throw .invalid(option, "the option must be a time")
        }
        return text
    }

    private static func text(_ date: Date, _ field: String) throws(CeleryWireError) -> String {
        guard let text = CeleryTime.text(date) else {
            throw .invalid(field, "the time is outside the years 1 to 9999")
        }
        return text
    }
}

extension WireValue {
    /// The text of a time, with or without kombu's `__type__` envelope.
    fileprivate var timeText: String? {
        stringValue ?? TypeEnvelope.parts(of: self)?.value.stringValue
    }
}
