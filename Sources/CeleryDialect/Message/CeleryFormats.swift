public import CeleriacCore
public import CeleriacWire
public import CeleryWire

public import struct FoundationEssentials.Date

/// Celery's message formats and what follows from an outcome in Celery, as the runtime asks for them.
public struct CeleryFormats: Dialect {
    /// The protocol of the messages that are sent: 2, or 1 for workers older than Celery 4.
    public var protocolVersion: Int
    /// The forms of bodies that a worker accepts. A Celery worker accepts JSON only unless told otherwise.
    public var accept: Set<CelerySerializer>
    /// How large and how deep messages may be.
    public var limits: WireLimits
    /// What sent messages name as their origin.
    public var origin: String
    /// How values become Celery's JSON and back.
    public var valueCoding: any ValueCoding

    /// Makes formats.
    public init(
        protocolVersion: Int = 2,
        accept: Set<CelerySerializer> = [.json],
        limits: WireLimits = .default,
        origin: String = "gen@" + NodeName.current("celeriac"),
        valueCoding: any ValueCoding = CeleryValueCoding()
    ) {
        self.protocolVersion = protocolVersion
        self.accept = accept
        self.limits = limits
        self.origin = origin
        self.valueCoding = valueCoding
    }

    /// `celery`.
    public var name: String { "celery" }

    // MARK: Receiving

    /// Reads a request of protocol 1 or 2.
    ///
    /// - Throws: a ``MessageFault`` whose reason is the code of the ``CeleryWireError``.
    public func request(of message: WireMessage, delivery: Delivery) throws(MessageFault) -> TaskRequest {
        let task: CeleryTaskMessage
        let eta: Date?
        let expires: Date?
        do {
            task = try CeleryTaskMessage.decode(message, accept: accept, limits: limits)
            eta = try task.etaDate()
            expires = try task.expiresDate()
        } catch {
            throw MessageFault(error)
        }
        guard task.embed.isEmpty else {
            throw MessageFault(
                reason: "unsupportedWorkflow",
                detail: "it has callbacks, a chain or a chord, which this worker cannot continue yet")
        }
        var request = TaskRequest(
            id: task.id, name: task.task, arguments: task.args, keywordArguments: task.kwargs,
            headers: message.headers, queue: delivery.queue, redelivered: delivery.redelivered, message: task)
        request.eta = eta
        request.expires = expires
        request.retries = task.retries
        request.timeLimits = TimeLimits(
            soft: task.timeLimit.soft.map { .seconds($0) }, hard: task.timeLimit.hard.map { .seconds($0) })
        request.rootID = task.rootID
        request.parentID = task.parentID
        request.groupID = task.group
        request.ignoresResult = task.ignoreResult
        request.replyTo = message.properties.replyTo
        request.correlationID = message.properties.correlationID
        request.priority = message.properties.priority
        return request
    }

    // MARK: Sending

    /// Makes the message that sends a task.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` for what Celery's formats cannot carry.
    public func message(for submission: TaskSubmission, now: Date) throws(CeleriacError) -> OutgoingMessage {
        let options = submission.options
        var task = CeleryTaskMessage(
            task: submission.name, id: submission.id, args: submission.arguments, kwargs: submission.keywordArguments,
            serializer: try serializer(options.serializer), compression: try compression(options.compression))
        let eta = options.eta ?? options.countdown.map { now.addingTimeInterval($0.seconds) }
        task.eta = try eta.map { date throws(CeleriacError) in try text(date) }
        task.expires = try options.expires.map { date throws(CeleriacError) in try text(date) }
        task.timeLimit = CeleryTimeLimit(
            hard: options.timeLimits.hard?.seconds, soft: options.timeLimits.soft?.seconds)
        task.rootID = submission.id
        task.ignoreResult = options.ignoresResult ?? false
        task.origin = origin
        task.otherHeaders = options.headers
        task.properties.replyTo = submission.replyTo
        task.properties.priority = options.priority ?? 0
        task.properties.expiration = options.expires.map { CeleryTime.expiration(expires: $0, now: now) }
        let queue = options.queue ?? "celery"
        return OutgoingMessage(message: try encode(task), routingKey: queue, declaredQueue: queue)
    }

    private func serializer(_ serializer: Serializer?) throws(CeleriacError) -> CelerySerializer {
        guard let serializer else { return .json }
        guard let known = CelerySerializer(rawValue: serializer.rawValue), known != .pickle else {
            throw CeleriacError(
                .unsupported, "there is no serializer \(serializer): use json, msgpack or yaml")
        }
        return known
    }

    private func compression(_ compression: Compression?) throws(CeleriacError) -> CeleryCompression? {
        guard let compression else { return nil }
        guard let known = CeleryCompression(name: compression.rawValue) else {
            throw CeleriacError(
                .unsupported, "there is no compression \(compression): use zlib, bzip2, xz or zstd")
        }
        return known
    }

    private func text(_ date: Date) throws(CeleriacError) -> String {
        guard let text = CeleryTime.text(date) else {
            throw CeleriacError(.unsupported, "a time is outside the years 1 to 9999")
        }
        return text
    }

    private func encode(_ task: CeleryTaskMessage) throws(CeleriacError) -> WireMessage {
        do {
            return try task.encode(protocolVersion: protocolVersion)
        } catch {
            throw CeleriacError(.unsupported, "the message of \(task.task) cannot be encoded", cause: error)
        }
    }

    // MARK: Outcomes

    /// What follows from an outcome, in Celery's order: publications, the stored state, the settlement.
    public func effects(of outcome: Outcome, for request: TaskRequest, in context: EffectContext)
        throws(CeleriacError) -> [Effect]
    {
        switch outcome {
        case .success(let value):
            return try stored(.success, value, request, context) + [.settle(.acknowledge)]
        case .failure(let failure):
            return try stored(failure, as: .failure, request, context)
                + [.settle(context.taskOptions.acknowledgesOnFailure ? .acknowledge : .reject)]
        case .retry(let eta, let cause):
            return try [.publish([retryMessage(request, eta: eta, now: context.now)])]
                + stored(cause, as: .retry, request, context) + [.settle(.acknowledge)]
        case .expired:
            let error = TaskFailure("TaskRevokedError", module: "celery.exceptions", "expired")
            return try stored(error, as: .revoked, request, context) + [.settle(.acknowledge)]
        case .timedOut(let limit):
            let error = TaskFailure(
                type: "TimeLimitExceeded", module: "billiard.exceptions",
                arguments: [Int64(exactly: limit).map { .int($0) } ?? .double(limit)])
            return try stored(error, as: .failure, request, context)
                + [.settle(context.taskOptions.acknowledgesOnTimeout ? .acknowledge : .requeue)]
        case .unregistered:
            let error = TaskFailure("NotRegistered", module: "celery.exceptions", request.name)
            let fault = MessageFault(
                reason: "unregistered", detail: "no handler is registered for \(request.name) at this worker")
            return try stored(error, as: .failure, request, context) + [.settle(.park(fault))]
        case .ignored:
            return [.settle(.acknowledge)]
        case .rejected(let requeue):
            if requeue { return [.settle(.requeue)] }
            let error = TaskFailure(
                type: "Reject", module: "celery.exceptions", arguments: [.null, .bool(false)])
            return try stored(error, as: .failure, request, context) + [.settle(.reject)]
        }
    }

    /// The record of a state on the way.
    public func record(
        ofState state: TaskState, meta: WireValue, for request: TaskRequest, in context: EffectContext
    ) throws(CeleriacError) -> ResultRecord? {
        try record(state, meta, traceback: nil, request, context)
    }

    private func stored(
        _ state: TaskState, _ value: WireValue, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard context.storesResult else { return [] }
        return [.store(try record(state, value, traceback: nil, request, context))]
    }

    private func stored(
        _ failure: TaskFailure, as state: TaskState, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard context.storesResult || context.taskOptions.storesErrorsEvenIfIgnored else { return [] }
        let exception = CeleryRemoteException(
            excType: failure.type, excMessage: failure.arguments, excModule: failure.module)
        return [.store(try record(state, exception.encode(), traceback: failure.traceback, request, context))]
    }

    private func record(
        _ state: TaskState, _ result: WireValue, traceback: String?, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> ResultRecord {
        var meta = CeleryResultMeta(status: state.rawValue, result: result, taskID: request.id)
        meta.traceback = traceback
        meta.children = .array([])
        meta.dateDone = state.isFinal ? CeleryTime.text(context.now) : nil
        meta.groupID = request.groupID
        meta.parentID = request.parentID
        do {
            return ResultRecord(
                taskID: request.id, state: state, payload: try meta.encode(), replyTo: request.replyTo ?? "",
                correlationID: request.correlationID, expiry: context.resultExpiry)
        } catch {
            throw CeleriacError(.unsupported, "the result of \(request.name) cannot be encoded", cause: error)
        }
    }

    /// The same message once more, one retry on, to be run at `eta`; all else is kept.
    private func retryMessage(_ request: TaskRequest, eta: Date, now: Date) throws(CeleriacError) -> OutgoingMessage {
        guard var task = request.message as? CeleryTaskMessage else {
            throw CeleriacError(.unsupported, "the request was not read from a Celery message")
        }
        task.retries += 1
        task.eta = try text(eta)
        task.parentID = task.parentID ?? task.id
        task.ignoreResult = task.ignoreResult ?? false
        // A broker's own account of the message: one that goes round with it may be dropped as caught in a cycle.
        task.otherHeaders = task.otherHeaders.filter { !Self.isBrokerHeader($0.key) }
        task.properties.expiration = request.expires.map { CeleryTime.expiration(expires: $0, now: now) }
        return OutgoingMessage(
            message: try encode(task), routingKey: request.queue, declaredQueue: request.queue)
    }

    private static func isBrokerHeader(_ name: String) -> Bool {
        name == "x-death" || name == "x-delivery-count" || name.hasPrefix("x-first-death-")
            || name.hasPrefix("x-last-death-")
    }

    // MARK: Results

    /// Reads a stored state.
    ///
    /// - Throws: ``CeleriacError`` with code `resultStore`.
    public func result(from bytes: [UInt8]) throws(CeleriacError) -> TaskResult {
        let meta: CeleryResultMeta
        do {
            meta = try CeleryResultMeta.decode(bytes, limits: limits)
        } catch {
            throw CeleriacError(.resultStore, "a stored result cannot be read", cause: error)
        }
        let state = TaskState(rawValue: meta.status)
        guard state == .failure || state == .revoked || state == .retry else {
            return TaskResult(taskID: meta.taskID, state: state, value: meta.result)
        }
        let exception = CeleryRemoteException.decode(meta.result)
        return TaskResult(
            taskID: meta.taskID, state: state,
            error: RemoteTaskError(
                taskID: meta.taskID, state: state, type: exception.excType, module: exception.excModule,
                arguments: exception.excMessage, traceback: meta.traceback))
    }
}
