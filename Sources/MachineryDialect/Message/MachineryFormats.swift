public import CeleriacCore
package import CeleriacWire
public import MachineryWire

package import struct FoundationEssentials.Date

/// Machinery's message formats, and the effects of a task's outcome in Machinery.
package struct MachineryFormats: Sendable {
    /// The routing key of tasks that name none: on Redis and on exchanges that are not direct the default queue, on a
    /// direct exchange the binding key.
    package var defaultRoutingKey: String
    /// Whether later states than `PENDING` name their task: Redis keeps the name, the other backends don't.
    package var laterStatesNameTheirTask: Bool
    /// How often a worker gives back a message whose task it does not know before it parks the message; nil for ever.
    package var unregisteredAttempts: Int?
    /// The limits for the size and the depth of messages.
    package var limits: WireLimits

    /// Creates formats.
    package init(
        defaultRoutingKey: String,
        laterStatesNameTheirTask: Bool = true,
        unregisteredAttempts: Int? = nil,
        limits: WireLimits = .default
    ) {
        self.defaultRoutingKey = defaultRoutingKey
        self.laterStatesNameTheirTask = laterStatesNameTheirTask
        self.unregisteredAttempts = unregisteredAttempts
        self.limits = limits
    }
}

extension MachineryFormats: Dialect {
    /// `machinery`.
    package var name: String { "machinery" }

    /// How values become arguments and results.
    package var valueCoding: any ValueCoding { MachineryValueCoding() }

    /// `RECEIVED` and `STARTED`.
    package var trackedStates: Set<TaskState> { [.received, .started] }

    /// True, because Go workers store nothing for tasks of a chain that never run.
    package var chainsEndSilently: Bool { true }

    /// `task_` and a random UUID.
    func newTaskID() -> String { "task_" + randomUUID() }

    // MARK: Receiving

    /// Reads the request from a delivered message. Arguments that cannot be converted become its
    /// ``TaskRequest/refusal``.
    package func request(of message: WireMessage, delivery: Delivery) throws(MessageFault) -> TaskRequest {
        let signature: MachinerySignature
        do {
            signature = try MachinerySignature.decode(message.body, limits: limits)
        } catch {
            throw MessageFault(reason: message.body.isEmpty ? "emptyBody" : error.code.rawValue, detail: error.message)
        }
        return request(of: signature, delivery)
    }

    /// Reads the id of a task, and whatever else can be read.
    package func remains(of message: WireMessage, delivery: Delivery) -> MessageRemains? {
        guard let signature = MachinerySignature.remains(of: message.body, limits: limits) else { return nil }
        return MessageRemains(request(of: signature, delivery))
    }

    private func request(of signature: MachinerySignature, _ delivery: Delivery) -> TaskRequest {
        var refusal: TaskFailure?
        var arguments: [WireValue] = []
        do {
            arguments = try signature.convertedArguments().map(\.wireValue)
        } catch {
            refusal = TaskFailure("error", error.text)
        }
        var request = TaskRequest(
            id: signature.uuid, name: signature.name, arguments: arguments, keywordArguments: [:],
            headers: signature.headers ?? [:], queue: delivery.queue, redelivered: delivery.redelivered,
            message: MachineryMessage(signature: signature))
        request.refusal = refusal
        request.eta = signature.eta?.date
        request.groupID = signature.groupUUID.isEmpty ? nil : signature.groupUUID
        request.priority = signature.priority == 0 ? nil : signature.priority
        return request
    }

    // MARK: Sending

    /// Refuses a signature that a Go worker could not take.
    package func check(_ signature: MachinerySignature) throws(CeleriacError) {
        do {
            try signature.validate()
        } catch {
            let isHeader = error.code == .unsupportedHeader || error.code == .tooDeep
            throw CeleriacError(
                isHeader ? .unsupported : .argumentMismatch, "the signature of \(signature.name) cannot be sent",
                cause: error)
        }
    }

    /// The message of a signature, with its routing key and headers filled in as Machinery's publisher does.
    package func outgoing(
        _ signature: MachinerySignature, now: Date, outbound: Outbound? = nil
    ) throws(CeleriacError) -> OutgoingMessage {
        var signature = signature
        if signature.routingKey.isEmpty { signature.routingKey = defaultRoutingKey }
        var carried = signature.headers ?? [:]
        if let outbound { carried.merge(added(to: signature, by: outbound, now: now)) { $1 } }
        signature.headers = carried
        let body: [UInt8]
        do {
            body = try signature.encode()
        } catch {
            throw CeleriacError(.unsupported, "the message of \(signature.name) cannot be encoded", cause: error)
        }
        let message = Self.message(of: signature, body: body)
        let eta = signature.eta?.date
        return OutgoingMessage(
            message: message, routingKey: signature.routingKey, declaredQueue: signature.routingKey,
            notBefore: eta.flatMap { $0 > now ? $0 : nil })
    }

    /// A message as Machinery's publisher makes it at RabbitMQ.
    private static func message(of signature: MachinerySignature, body: [UInt8]) -> WireMessage {
        // A Go client cannot put numbers into the header table; they stay in the body.
        let headers = (signature.headers ?? [:]).filter { _, value in
            switch value {
            case .string, .bool, .null: true
            default: false
            }
        }
        return WireMessage(
            headers: headers,
            properties: MessageProperties(
                contentType: "application/json", deliveryMode: 2,
                priority: signature.priority == 0 ? nil : signature.priority),
            body: body)
    }

    /// The signature in the body says by which key it is sent again, and what stands beside the body at RabbitMQ.
    package func adapted(_ message: WireMessage, of request: TaskRequest, to routingKey: String) -> WireMessage {
        guard var signature = request.machinerySignature else { return message }
        var message = message
        if signature.routingKey != routingKey {
            signature.routingKey = routingKey
            message.body = (try? signature.encode()) ?? message.body
        }
        // Redis keeps bodies alone.
        guard message.properties == MessageProperties(), message.headers.isEmpty else { return message }
        return Self.message(of: signature, body: message.body)
    }

    // MARK: Results

    /// Reads a stored state.
    package func result(from bytes: [UInt8]) throws(CeleriacError) -> TaskResult {
        let stored: MachineryTaskState
        do {
            stored = try MachineryTaskState.decode(bytes, limits: limits)
        } catch {
            throw CeleriacError(.resultStore, "a stored state cannot be read", cause: error)
        }
        let state = TaskState(rawValue: stored.state)
        let results = stored.results ?? (state == .success ? [] : nil)
        var result = TaskResult(
            taskID: stored.taskUUID, state: state, value: results.map { .array($0.map(\.wireValue)) } ?? .null)
        if state == .failure {
            result.error = RemoteTaskError(
                taskID: stored.taskUUID, state: state, type: "error", module: nil, arguments: [.string(stored.error)])
        }
        return result
    }
}

/// A message that was read.
final class MachineryMessage: NativeMessage {
    let signature: MachinerySignature

    init(signature: MachinerySignature) { self.signature = signature }
}

extension TaskRequest {
    var machineryMessage: MachineryMessage? { message as? MachineryMessage }

    /// The signature that is run, as it came; nil in another dialect.
    package var machinerySignature: MachinerySignature? { machineryMessage?.signature }
}

extension TaskContext {
    /// The signature that is run, as it came; nil in another dialect.
    public var machinerySignature: MachinerySignature? { request.machinerySignature }
}
