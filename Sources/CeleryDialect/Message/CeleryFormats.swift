package import CeleriacCore
package import CeleriacWire
package import CeleryWire

import struct FoundationEssentials.Date

/// Celery's message formats, and the effects of a task's outcome in Celery.
package struct CeleryFormats: Sendable {
    /// The protocol of the messages that are sent: 2, or 1 for workers older than Celery 4.
    package var protocolVersion: Int
    /// The serializers that a worker accepts. By default a Celery worker accepts only JSON.
    package var accept: Set<CelerySerializer>
    /// What signs and verifies bodies; nil if there are no keys.
    package var security: (any MessageSecurity)?
    /// Whether tasks whose options name no serializer are signed: `task_serializer` is `auth`. Workers that accept nothing
    /// else would refuse what follows a task otherwise.
    package var signsTasks: Bool
    /// The limits for the size and the depth of messages.
    package var limits: WireLimits
    /// The origin that sent messages name.
    package var origin: String
    /// How values become Celery's JSON and back.
    package var valueCoding: any ValueCoding
    /// Whether results name the task, its arguments, worker, retries and queue: `result_extended`.
    package var extendsResults: Bool
    /// In what form results are written and read.
    package var resultContent: CeleryResultContent
    /// Whether what a task sends, and what follows it, has its priority: `task_inherit_parent_priority`.
    package var inheritsPriority: Bool
    /// How long failures are kept, zero for ever; nil for as long as other results: `result_failure_expires`.
    package var failureExpiry: Duration?
    /// Where tasks go.
    package var router: CeleryRouter
    /// AMQP's delivery mode of tasks, 1 for those that a restart of the broker may lose: `task_default_delivery_mode`.
    package var deliveryMode: UInt8 = 2
    /// Whether the error callbacks of a chord also go to the tasks of its header: `task_allow_error_cb_on_chord_header`.
    package var linksErrorsInHeaders = false
    /// How messages show their arguments: `task_repr_maxlevels`.
    package var representation = PythonRepr()

    /// Creates formats.
    package init(
        protocolVersion: Int = 2,
        accept: Set<CelerySerializer> = [.json],
        limits: WireLimits = .default,
        origin: String = "gen@" + NodeName.current("celeriac"),
        valueCoding: any ValueCoding = CeleryValueCoding(),
        extendsResults: Bool = false,
        resultContent: CeleryResultContent = CeleryResultContent(),
        inheritsPriority: Bool = false,
        failureExpiry: Duration? = nil,
        router: CeleryRouter = CeleryRouter(),
        security: (any MessageSecurity)? = nil,
        signsTasks: Bool = false
    ) {
        self.security = security
        self.signsTasks = signsTasks
        self.router = router
        self.resultContent = resultContent
        self.inheritsPriority = inheritsPriority
        self.failureExpiry = failureExpiry
        self.extendsResults = extendsResults
        self.protocolVersion = protocolVersion
        self.accept = accept
        self.limits = limits
        self.origin = origin
        self.valueCoding = valueCoding
    }
}

extension CeleryFormats: Dialect {
    /// `celery`.
    package var name: String { "celery" }

    /// As the serializer of results has it: bytes, for instance, are bytes in MessagePack and YAML.
    package var resultValueCoding: any ValueCoding {
        guard resultContent.serializer != .json, valueCoding is CeleryValueCoding else { return valueCoding }
        return CeleryValueCoding(for: resultContent.serializer)
    }

    // MARK: Receiving

    /// Reads a request of protocol 1 or 2.
    ///
    /// - Throws: A ``MessageFault`` whose reason is the code of the ``CeleryWireError``.
    package func request(of message: WireMessage, delivery: Delivery) throws(MessageFault) -> TaskRequest {
        let task: CeleryTaskMessage
        let eta: Date?
        let expires: Date?
        do {
            task = try CeleryTaskMessage.decode(message, accept: accept, security: security, limits: limits)
            eta = try task.etaDate()
            expires = try task.expiresDate()
        } catch {
            throw MessageFault(error)
        }
        var request = request(CeleryMessage(task), message, delivery)
        request.eta = eta
        request.expires = expires
        return request
    }

    /// Reads the id and the name of a task, and whatever else can be read.
    package func remains(of message: WireMessage, delivery: Delivery) -> MessageRemains? {
        guard
            let remains = CeleryTaskMessage.remains(of: message, accept: accept, security: security, limits: limits)
        else { return nil }
        let native = CeleryMessage(remains.task, lacksBody: remains.lacksBody)
        return MessageRemains(request(native, message, delivery), mayRunElsewhere: remains.isForeign)
    }

    private func request(_ native: CeleryMessage, _ message: WireMessage, _ delivery: Delivery) -> TaskRequest {
        let task = native.task
        var request = TaskRequest(
            id: task.id, name: task.task, arguments: task.args, keywordArguments: task.kwargs,
            headers: message.headers, queue: delivery.queue, redelivered: delivery.redelivered,
            message: native)
        request.retries = task.retries
        request.timeLimits = TimeLimits(
            soft: task.timeLimit.soft.map { Duration(clampedSeconds: $0) },
            hard: task.timeLimit.hard.map { Duration(clampedSeconds: $0) })
        request.rootID = task.rootID
        request.parentID = task.parentID
        request.groupID = task.group
        request.ignoresResult = task.ignoreResult
        request.replyTo = message.properties.replyTo
        request.correlationID = message.properties.correlationID
        request.priority = message.properties.priority
        if let names = task.stampedHeaders {
            request.stamps = task.stamps.filter { names.contains($0.key) }
        }
        return request
    }

    // MARK: Results

    /// Reads a stored state.
    ///
    /// - Throws: ``CeleriacError`` with code `resultStore`.
    package func result(from bytes: [UInt8]) throws(CeleriacError) -> TaskResult {
        let meta: CeleryResultMeta
        do {
            meta = try CeleryResultMeta.decode(bytes, content: resultContent, limits: limits)
        } catch {
            throw CeleriacError(.resultStore, "a stored result cannot be read", cause: error)
        }
        let state = TaskState(rawValue: meta.status)
        // A child that is not a reference is left out, because the state matters more.
        let children = (meta.children?.arrayValue ?? []).compactMap { child in
            (try? CeleryResultTuple.decode(child)).map { ResultReference($0) }
        }
        guard state == .failure || state == .revoked || state == .retry else {
            return TaskResult(taskID: meta.taskID, state: state, value: meta.result, children: children)
        }
        let exception = CeleryRemoteException.decode(meta.result)
        return TaskResult(
            taskID: meta.taskID, state: state,
            error: RemoteTaskError(
                taskID: meta.taskID, state: state, type: exception.excType, module: exception.excModule,
                arguments: exception.excMessage, traceback: meta.traceback),
            children: children)
    }

    /// Writes which results belong to a group: `{"result": <result tuple>}`.
    package func payload(ofGroup group: ResultReference) throws(CeleriacError) -> [UInt8] {
        try payload(of: CeleryResultTuple(group))
    }

    /// Writes which results belong to a group, as the settings of this process say.
    func payload(of group: CeleryResultTuple) throws(CeleriacError) -> [UInt8] {
        do {
            return try group.encodeGroup(
                serializer: resultContent.serializer, compression: resultContent.compressionMethod())
        } catch {
            throw CeleriacError(.unsupported, "a group's results cannot be encoded", cause: error)
        }
    }

    /// Reads which results belong to a group.
    ///
    /// - Throws: ``CeleriacError`` with code `resultStore`.
    package func group(from bytes: [UInt8]) throws(CeleriacError) -> ResultReference {
        do {
            return ResultReference(
                try CeleryResultTuple.decodeGroup(bytes, content: resultContent, limits: limits))
        } catch {
            throw CeleriacError(.resultStore, "a stored group cannot be read", cause: error)
        }
    }
}
