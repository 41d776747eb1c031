public import CeleriacWire

extension CeleryTaskMessage {
    /// Decodes a task message of either protocol.
    ///
    /// It is as tolerant as a Celery worker: all headers may be absent except the id and the name of the task. Where a
    /// Python worker would fail, it throws an error that names the field.
    ///
    /// - Parameters:
    ///   - message: The message from a transport.
    ///   - accept: The serializers to accept, like Celery's `accept_content`. Pickle is refused in any case.
    ///   - limits: The limits for the body.
    /// - Returns: The task message.
    /// - Throws: `CeleryWireError`: `disallowedContentType`, `pickleRefused`, `unknownCompression`, `undecodableBody`,
    ///   `notATask`, `invalidTask`.
    public static func decode(
        _ message: WireMessage, accept: Set<CelerySerializer> = [.json], limits: WireLimits = .default
    ) throws(CeleryWireError) -> CeleryTaskMessage {
        try decodeWithSource(message, accept: accept, limits: limits).task
    }

    /// Decodes a message and returns the task together with the parts that it was read from.
    static func decodeWithSource(
        _ message: WireMessage, accept: Set<CelerySerializer>, limits: WireLimits
    ) throws(CeleryWireError) -> (task: CeleryTaskMessage, source: RawTask) {
        let serializer = try CelerySerializer.accepted(message.properties.contentType, in: accept)
        let compression = try CompressionMethod(header: message.headers["compression"])
        let body = try serializer.decodeBody(message.body, compression: compression, limits: limits)
        let source = try RawTask.parse(headers: message.headers, body: body)

        var task = CeleryTaskMessage(
            protocolVersion: source.protocolVersion, serializer: serializer, properties: message.properties)
        task.compression = compression
        if source.protocolVersion == 2 {
            for (name, value) in source.fields {
                if let field = TaskField(name) {
                    try task.read(field, value)
                } else {
                    task.otherHeaders[name] = value
                }
            }
        } else {
            for (name, value) in source.fields {
                if let field = TaskField(name) { try task.read(field, value) }
            }
            task.utc = source.fields["utc"]?.isTruthy ?? true
            task.otherHeaders = message.headers.filter { TaskField($0.key) == nil }
        }
        try task.checkRequiredFields()
        try task.readArguments(source.args, source.kwargs)
        task.embed = try CeleryEmbed(parts: source.embed)
        return (task, source)
    }
}

extension CeleryTaskMessage {
    /// Creates a message without fields, into which `read` reads them.
    init(protocolVersion: Int, serializer: CelerySerializer, properties: MessageProperties) {
        self.init(task: "", id: "", serializer: serializer)
        self.protocolVersion = protocolVersion
        self.properties = properties
        self.lang = nil
    }

    /// Reads one field. It refuses what would make a Python worker fail, and ignores what such a worker does not read.
    mutating func read(_ field: TaskField, _ value: WireValue) throws(CeleryWireError) {
        switch field {
        case .task: task = try Self.name(value, "task")
        case .id: id = try Self.name(value, "id")
        case .eta: eta = try Self.text(value, "eta")
        case .expires: expires = try Self.text(value, "expires")
        case .group: group = try Self.text(value, "group")
        case .groupIndex: groupIndex = try Self.integer(value, "group_index")
        // Text runs at Celery too.
        case .retries:
            let text = value.stringValue.flatMap { Int($0) }
            retries = if let text { text } else { try Self.integer(value, "retries") ?? 0 }
        case .timeLimit: timeLimit = try CeleryTimeLimit(value)
        case .ignoreResult: ignoreResult = value.isNull ? nil : value.isTruthy
        case .stampedHeaders: stampedHeaders = try Self.names(value, "stamped_headers")
        case .stamps: stamps = try Self.object(value, "stamps") ?? [:]
        // Workers only show these or pass them on. A value of the wrong type counts as absent.
        case .lang: lang = value.stringValue
        case .shadow: shadow = value.stringValue
        case .rootID: rootID = value.stringValue
        case .parentID: parentID = value.stringValue
        case .argsrepr: argsrepr = value.stringValue
        case .kwargsrepr: kwargsrepr = value.stringValue
        case .origin: origin = value.stringValue
        case .replacedTaskNesting: replacedTaskNesting = value.wholeNumber ?? 0
        // These belong to the transport.
        case .compression, .redelivered: break
        }
    }

    /// Checks the fields that every task needs.
    func checkRequiredFields() throws(CeleryWireError) {
        if task.isEmpty { throw .invalid("task", "a task message needs the name of a task") }
        if id.isEmpty { throw .invalid("id", "a task message needs an id: its result is stored under it") }
    }

    /// Reads the arguments. Some clients send null for no arguments.
    mutating func readArguments(_ args: WireValue, _ kwargs: WireValue) throws(CeleryWireError) {
        switch args {
        case .array(let values): self.args = values
        case .null: break
        default: throw .invalid("args", "positional arguments must be an array")
        }
        self.kwargs = try Self.object(kwargs, "kwargs") ?? [:]
    }

    // MARK: Types

    private static func name(_ value: WireValue, _ field: String) throws(CeleryWireError) -> String {
        guard case .string(let text) = value else { throw .invalid(field, "must be text") }
        return text
    }

    private static func text(_ value: WireValue, _ field: String) throws(CeleryWireError) -> String? {
        switch value {
        case .string(let text): text
        case .null: nil
        default: throw .invalid(field, "must be text or null")
        }
    }

    private static func integer(_ value: WireValue, _ field: String) throws(CeleryWireError) -> Int? {
        if value.isNull { return nil }
        guard let number = value.wholeNumber else { throw .invalid(field, "must be a whole number or null") }
        return number
    }

    private static func object(_ value: WireValue, _ field: String) throws(CeleryWireError) -> WireObject? {
        switch value {
        case .object(let object): object
        case .null: nil
        default: throw .invalid(field, "must be an object or null")
        }
    }

    private static func names(_ value: WireValue, _ field: String) throws(CeleryWireError) -> [String]? {
        if value.isNull { return nil }
        guard case .array(let values) = value else { throw .invalid(field, "must be an array of text or null") }
        var names: [String] = []
        names.reserveCapacity(values.count)
        for value in values {
            guard case .string(let name) = value else { throw .invalid(field, "must be an array of text or null") }
            names.append(name)
        }
        return names
    }
}

extension CeleryWireError {
    static func invalid(_ field: String, _ message: String) -> CeleryWireError {
        CeleryWireError(.invalidTask, message, field: field)
    }
}
