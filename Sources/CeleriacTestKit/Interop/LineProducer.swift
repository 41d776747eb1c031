import Celeriac
import CeleriacCore
package import CeleriacWire
import CeleryDialect
package import Logging
import MachineryWire

/// Swift as a producer of the producers' protocol: what `celeriac_peer.driver` is for Python, as far as interop files need
/// it. It answers one question after another, of which `CrossLanguageTests` in the documentation is the page.
package actor LineProducer {
    private enum Sender {
        case celery(CeleryApp)
        case machinery(MachineryServer)
    }

    private let sender: Sender
    /// What was sent and not yet asked for: of rpc and of groups, only who has sent them knows the results.
    private var sent: [String: AsyncResult<WireValue>] = [:]

    /// Makes a producer. It connects on first use.
    ///
    /// - Parameters:
    ///   - machinery: whether it sends Machinery's messages, not Celery's.
    ///   - broker: the broker's URL.
    ///   - results: the result store's URL; nil for none, or for Machinery's broker.
    ///   - logger: its logger.
    /// - Throws: `CeleriacError` with code `configuration` for a URL that cannot be used.
    package init(machinery: Bool, broker: String, results: String?, logger: Logger) throws {
        if machinery {
            // By its variables, so that all that is not said is as in Machinery's own programs.
            let configuration = try MachineryConfiguration(
                environment: ["BROKER": broker, "RESULT_BACKEND": results ?? broker])
            sender = .machinery(try MachineryServer(configuration: configuration, logger: logger))
        } else {
            var configuration = CeleryConfiguration()
            configuration.acceptContent = [.json, .msgpack, .yaml]
            sender = .celery(
                try CeleryApp(broker: broker, results: results, configuration: configuration, logger: logger))
        }
    }

    /// Answers a question.
    package func answer(_ question: WireValue) async -> WireValue {
        do {
            switch question["op"]?.stringValue {
            case "send"?: return try await send(question)
            case "canvas"?: return try await send(question["canvas"] ?? .null)
            case "get"?: return try await get(question)
            case "state"?: return try await state(question)
            case "control"?: return try await control(question)
            case "revoke"?: return try await revoke(question)
            case let operation:
                return ["unsupported": .string("Swift's producer has no operation \(operation ?? "without a name")")]
            }
        } catch let error as CeleriacError where error.code == .unsupported {
            return ["unsupported": .string(error.message)]
        } catch {
            return ["failed": ["type": .string("\(type(of: error))"), "message": .string("\(error)")]]
        }
    }

    /// Closes its connections.
    package func close() async {
        switch sender {
        case .celery(let app): await app.close()
        case .machinery(let server): await server.close()
        }
    }

    private func send(_ tree: WireValue) async throws -> WireValue {
        let signature = try LineCanvas.signature(tree)
        let result: AsyncResult<WireValue>
        switch sender {
        case .celery(let app): result = try await app.send(signature)
        case .machinery(let server):
            // How often Machinery retries is said by who sends.
            if tree["task"] != nil, let retries = tree["options"]?["retry_count"]?.intValue {
                var native = try server.signature(signature)
                native.retryCount = retries
                result = try await server.send(native, returning: WireValue.self)
            } else {
                result = try await server.send(signature)
            }
        }
        sent[result.id] = result
        return ["id": .string(result.id)]
    }

    private func state(_ question: WireValue) async throws -> WireValue {
        let id = try Self.id(of: question, for: "state")
        let result = sent[id] ?? stored(id)
        let state = try await result.status()
        return ["state": .string(state.rawValue)]
    }

    private static func id(of question: WireValue, for operation: String) throws -> String {
        guard let id = question["id"]?.stringValue else {
            throw CeleriacError(.configuration, "the operation \(operation) has no id")
        }
        return id
    }

    /// How long a question lets its answer take.
    private static func limit(of question: WireValue, otherwise: Double) throws -> Duration {
        let seconds = question["timeout"]?.doubleValue ?? otherwise
        guard 0...Double(Duration.longestSeconds) ~= seconds else {
            throw CeleriacError(.configuration, "a timeout is no number of seconds")
        }
        return .seconds(seconds)
    }

    private func remoteControl() throws -> CeleryControl {
        guard case .celery(let app) = sender else {
            throw CeleriacError(.unsupported, "Machinery has no remote control")
        }
        return app.control
    }

    private func control(_ question: WireValue) async throws -> WireValue {
        guard let command = question["command"]?.stringValue else {
            throw CeleriacError(.configuration, "the operation control has no command")
        }
        let workers = try remoteControl()(
            destination: question["destination"]?.arrayValue?.compactMap(\.stringValue),
            timeout: Self.limit(of: question, otherwise: 1))
        let arguments = question["arguments"]?.objectValue ?? [:]
        let replies = try await workers.broadcast(command, arguments, reply: true).map { reply -> WireValue in
            switch reply.result {
            case .success(let value): [reply.node: value]
            case .failure(let error): [reply.node: ["error": .string(error.message)]]
            }
        }
        return ["replies": .array(replies)]
    }

    private func revoke(_ question: WireValue) async throws -> WireValue {
        try await remoteControl().revoke(
            question["ids"]?.arrayValue?.compactMap(\.stringValue) ?? [],
            terminate: question["terminate"]?.boolValue ?? false, signal: question["signal"]?.stringValue ?? "SIGTERM")
        return ["revoked": nil]
    }

    private func get(_ question: WireValue) async throws -> WireValue {
        let id = try Self.id(of: question, for: "get")
        let limit = try Self.limit(of: question, otherwise: 60)
        let result = sent[id] ?? stored(id)
        do {
            let value = try await result.get(timeout: limit)
            sent[id] = nil
            return ["state": "SUCCESS", "result": value]
        } catch let error as RemoteTaskError {
            sent[id] = nil
            let module = error.module.map { WireValue.string($0) } ?? .null
            return [
                "state": .string(error.state.rawValue),
                "error": ["type": .string(error.type), "module": module, "args": .array(error.arguments)],
            ]
        } catch let error as CeleriacError where error.code == .timeout {
            let state = try? await result.status()
            return ["state": .string(state?.rawValue ?? "PENDING"), "timeout": true]
        }
    }

    private func stored(_ id: String) -> AsyncResult<WireValue> {
        switch sender {
        case .celery(let app): app.result(id, as: WireValue.self)
        case .machinery(let server): server.result(id, as: WireValue.self)
        }
    }
}
