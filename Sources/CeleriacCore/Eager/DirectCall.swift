package import CeleriacWire

// Requests and calls of handlers without a broker, for tests.

extension TaskClient {
    /// The requests that a worker would make of messages. Those that no worker can run are left out.
    package func requests(in messages: [OutgoingMessage]) -> [TaskRequest] {
        messages.compactMap { try? dialect.request(of: $0.message, delivery: $0.undelivered) }
    }

    /// The request that a worker would make of the message by which this client sends a task.
    ///
    /// - Throws: ``CeleriacError`` with code `argumentMismatch` or `unsupported` for what cannot be sent, the
    ///   ``MessageFault`` of what no worker can run.
    package func request<Value>(of signature: Signature<Value>) throws -> TaskRequest {
        let publication = try dialect.publication(of: try submission(of: signature), in: publicationContext())
        for case .publish(let messages) in publication.steps {
            guard let message = messages.first else { continue }
            return try dialect.request(of: message.message, delivery: message.undelivered)
        }
        throw CeleriacError(.unsupported, "\(signature.task) sends no task")
    }
}

extension TaskWorker {
    /// The request that this worker would get of a task.
    ///
    /// - Throws: as ``TaskClient/request(of:)``.
    package func request<Value>(of signature: Signature<Value>) throws -> TaskRequest {
        guard let client else {
            throw CeleriacError(.configuration, "this worker was made without a client and cannot make requests")
        }
        return try client.request(of: signature)
    }

    /// Calls the handler of a task within the worker's middleware, and does nothing of what would follow.
    ///
    /// - Parameters:
    ///   - request: the task.
    ///   - storeState: gets the states that the handler stores.
    /// - Returns: what the handler returned.
    /// - Throws: the handler's error, or the task system's for an unknown task or arguments that it refuses.
    package func callHandler(
        of request: TaskRequest, storeState: @escaping @Sendable (TaskState, WireValue) async throws -> Void
    ) async throws -> WireValue {
        guard let handler = handlers[request.name] else {
            throw dialect.failure(for: .notRegistered(name: request.name))
        }
        if let refusal = request.refusal { throw refusal }
        let context = TaskContext(
            request: request, nodeName: nodeName, dialect: dialect, baseLogger: logger,
            values: configuration.sharedValues, sender: ContextSender(client: client), handlers: handlers,
            storeState: storeState)
        return try await configuration.hooks.middleware[...].run(context) { try await handler.run(context) }
    }

    /// What a handler returned, with its type.
    package func value<Value>(_ value: WireValue, of signature: Signature<Value>) throws -> Value {
        try signature.resultCoding.decode(value, WireDecoder(coding: dialect.valueCoding))
    }
}
