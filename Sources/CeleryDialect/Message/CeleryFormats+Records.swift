package import CeleriacCore
package import CeleriacWire
import CeleryWire

// Stored states.
extension CeleryFormats {
    /// The record of a state before the end. States that a worker stores by itself name the worker.
    package func record(
        ofState state: TaskState, meta: WireValue?, for request: TaskRequest, in context: EffectContext
    ) throws(CeleriacError) -> ResultRecord? {
        let meta = meta ?? .object(["hostname": .string(context.nodeName)])
        return try record(state, meta, traceback: nil, request, context)
    }

    func stored(
        _ state: TaskState, _ value: WireValue, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard context.storesResult else { return [] }
        return [.store(try record(state, value, traceback: nil, request, context))]
    }

    func stored(
        _ failure: TaskFailure, as state: TaskState, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard context.storesResult || context.taskOptions.storesErrorsEvenIfIgnored == true else { return [] }
        return [
            .store(
                try record(
                    state, CeleryRemoteException(failure).encode(), traceback: failure.traceback, request, context))
        ]
    }

    /// The stored failure of a chain's step that never ran.
    func stored(
        _ failure: TaskFailure, of step: CelerySignature, id: String, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        var meta = meta(.failure, CeleryRemoteException(failure).encode(), failure.traceback, id: id, context)
        meta.groupID = step.options["group_id"]?.stringValue
        if extendsResults {
            meta.extended = CeleryExtendedResult(
                name: step.task, args: .array(step.args), kwargs: .object(step.kwargs), worker: nil, retries: 0,
                queue: nil)
        }
        return [.store(try record(meta, .failure, replyTo: request.replyTo, correlationID: id, request, context))]
    }

    /// The stored failure of a chord's body that never ran. Celery knows only its id, and lists the children of the
    /// header's task as the body's children.
    func stored(
        _ failure: TaskFailure, ofBody id: String, children: [CeleryResultTuple], _ request: TaskRequest,
        _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        var meta = meta(.failure, CeleryRemoteException(failure).encode(), failure.traceback, id: id, context)
        meta.children = .array(children.map { $0.encode() })
        return [.store(try record(meta, .failure, replyTo: request.replyTo, correlationID: id, request, context))]
    }

    private func record(
        _ state: TaskState, _ result: WireValue, traceback: String?, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> ResultRecord {
        var meta = meta(state, result, traceback, id: request.id, context)
        meta.children = .array(context.children.map { CeleryResultTuple($0).encode() })
        meta.groupID = request.groupID
        meta.parentID = request.parentID
        if extendsResults {
            meta.extended = CeleryExtendedResult(
                name: request.name, args: .array(request.arguments), kwargs: .object(request.keywordArguments),
                worker: context.nodeName, retries: request.retries, queue: request.queue)
            if let task = request.celeryMessage, let names = task.stampedHeaders {
                meta.other["stamped_headers"] = .array(names.map { .string($0) })
                for name in names { meta.other[name] = task.stamps[name] }
            }
        }
        return try record(
            meta, state, replyTo: request.replyTo, correlationID: request.correlationID, request, context)
    }

    private func meta(
        _ state: TaskState, _ result: WireValue, _ traceback: String?, id: String, _ context: EffectContext
    ) -> CeleryResultMeta {
        var meta = CeleryResultMeta(status: state.rawValue, result: result, taskID: id)
        meta.traceback = traceback
        meta.children = []
        meta.dateDone = state.isFinal ? CeleryTime.text(context.now) : nil
        return meta
    }

    private func record(
        _ meta: CeleryResultMeta, _ state: TaskState, replyTo: String?, correlationID: String?, _ request: TaskRequest,
        _ context: EffectContext
    ) throws(CeleriacError) -> ResultRecord {
        do {
            var record = try record(meta, state, expiry: context.resultExpiry)
            record.replyTo = replyTo ?? ""
            record.correlationID = correlationID ?? meta.taskID
            return record
        } catch {
            throw CeleriacError(.unsupported, "the result of \(request.name) cannot be encoded", cause: error)
        }
    }

    /// A state in the form of results.
    func record(
        _ meta: CeleryResultMeta, _ state: TaskState, expiry: Duration?
    ) throws(CeleryWireError) -> ResultRecord {
        let serializer = resultContent.serializer
        var expiry = expiry
        if state == .failure, let failureExpiry { expiry = failureExpiry > .zero ? failureExpiry : nil }
        return ResultRecord(
            taskID: meta.taskID, state: state,
            payload: try meta.encode(
                serializer: serializer, compression: resultContent.compressionMethod(), nonFinite: .allow,
                limits: limits),
            contentType: serializer.contentType, contentEncoding: serializer.contentEncoding, expiry: expiry)
    }
}
