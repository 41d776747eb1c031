public import CeleriacWire

extension MachinerySignature {
    /// The fields under their names in lower case.
    private enum Field: String {
        case uuid, name, eta, args, headers, priority, immutable
        case routingKey = "routingkey"
        case groupUUID = "groupuuid"
        case groupTaskCount = "grouptaskcount"
        case retryCount = "retrycount"
        case retryTimeout = "retrytimeout"
        case onSuccess = "onsuccess"
        case onError = "onerror"
        case chordCallback = "chordcallback"
        case brokerMessageGroupID = "brokermessagegroupid"
        case sqsReceiptHandle = "sqsreceipthandle"
        case stopTaskDeletionOnError = "stoptaskdeletiononerror"
        case ignoreWhenTaskNotRegistered = "ignorewhentasknotregistered"
    }

    /// Reads a message as tolerantly as Go does, and refuses what Go refuses.
    ///
    /// - Throws: ``MachineryWireError``: `malformedJSON`, `tooDeep`, or `invalidField`.
    public static func decode(_ bytes: [UInt8], limits: WireLimits = .default) throws(MachineryWireError)
        -> MachinerySignature
    {
        try MachinerySignature(GoDocument.decode(bytes, limits: limits))
    }

    /// Reads what can be read of a message that ``decode(_:limits:)`` refuses. A field that cannot be read counts as
    /// absent.
    ///
    /// - Returns: The signature; `nil` if the bytes are no JSON object with the id of a task.
    package static func remains(of bytes: [UInt8], limits: WireLimits) -> MachinerySignature? {
        guard let object = try? GoDocument.decode(bytes, limits: limits).objectValue else { return nil }
        var signature = MachinerySignature(name: "")
        for (key, value) in object { try? signature.read(key, value, GoFields(what: "the signature")) }
        return signature.uuid.isEmpty ? nil : signature
    }

    /// Reads a parsed message.
    ///
    /// - Throws: ``MachineryWireError`` with code `invalidField`.
    package init(_ value: WireValue) throws(MachineryWireError) {
        self.init(name: "")
        let fields = GoFields(what: "the signature")
        for (key, value) in try fields.object(value) { try read(key, value, fields) }
    }

    @inline(__always)
    private mutating func read(
        _ key: String, _ value: WireValue, _ fields: GoFields
    ) throws(MachineryWireError) {
        guard let field = GoFields.field(key, Field.self) else { return }
        switch field {
        case .uuid: try fields.text(value, "UUID", &uuid)
        case .name: try fields.text(value, "Name", &name)
        case .routingKey: try fields.text(value, "RoutingKey", &routingKey)
        case .eta: eta = try fields.time(value, "ETA")
        case .groupUUID: try fields.text(value, "GroupUUID", &groupUUID)
        case .groupTaskCount: try fields.number(value, "GroupTaskCount", &groupTaskCount)
        case .args: args = try Self.arguments(value, fields)
        case .headers: headers = try fields.map(value, "Headers")
        case .priority: try setPriority(value, fields)
        case .immutable: try fields.flag(value, "Immutable", &immutable)
        case .retryCount: try fields.number(value, "RetryCount", &retryCount)
        case .retryTimeout: try fields.number(value, "RetryTimeout", &retryTimeout)
        case .onSuccess: onSuccess = try Self.signatures(value, "OnSuccess", fields)
        case .onError: onError = try Self.signatures(value, "OnError", fields)
        case .chordCallback:
            if !value.isNull { chordCallback = try MachinerySignature(value) }
        case .brokerMessageGroupID: try fields.text(value, "BrokerMessageGroupId", &brokerMessageGroupID)
        case .sqsReceiptHandle: try fields.text(value, "SQSReceiptHandle", &sqsReceiptHandle)
        case .stopTaskDeletionOnError:
            try fields.flag(value, "StopTaskDeletionOnError", &stopTaskDeletionOnError)
        case .ignoreWhenTaskNotRegistered:
            try fields.flag(value, "IgnoreWhenTaskNotRegistered", &ignoreWhenTaskNotRegistered)
        }
    }

    private mutating func setPriority(_ value: WireValue, _ fields: GoFields) throws(MachineryWireError) {
        var number = Int(priority)
        try fields.number(value, "Priority", &number)
        guard let priority = UInt8(exactly: number) else { throw fields.mismatch("Priority", "0 to 255") }
        self.priority = priority
    }

    /// Reads a list of signatures without nulls, on which Go would crash when sending them.
    private static func signatures(
        _ value: WireValue, _ field: String, _ fields: GoFields
    ) throws(MachineryWireError) -> [MachinerySignature]? {
        guard let elements = try fields.array(value, field) else { return nil }
        var signatures: [MachinerySignature] = []
        signatures.reserveCapacity(elements.count)
        for element in elements where !element.isNull { signatures.append(try MachinerySignature(element)) }
        return signatures
    }

    private static func arguments(_ value: WireValue, _ fields: GoFields) throws(MachineryWireError)
        -> [MachineryArgument]?
    {
        guard let elements = try fields.array(value, "Args") else { return nil }
        var arguments: [MachineryArgument] = []
        arguments.reserveCapacity(elements.count)
        for element in elements {
            var argument = MachineryArgument(type: "", value: .null)
            let fields = GoFields(what: "an argument")
            for (key, value) in try fields.object(element) {
                switch key.lowercased() {
                case "name": try fields.text(value, "Name", &argument.name)
                case "type": try fields.text(value, "Type", &argument.type)
                case "value": argument.value = value
                default: break
                }
            }
            arguments.append(argument)
        }
        return arguments
    }
}
