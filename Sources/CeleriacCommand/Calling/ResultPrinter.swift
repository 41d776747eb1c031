import Celeriac
import CeleriacWire
import CeleryWire

#if AMQP
import CeleriacAMQP
#endif
#if Redis
import CeleriacRedis
#endif

/// Prints the outcome of a task, as readable text or as one JSON object in ASCII.
struct ResultPrinter {
    enum Report {
        case sent(String)
        case ended(id: String, WireValue)
        case pending(String)
        case state(id: String, TaskState, WireValue)
    }

    let json: Bool

    /// Prints the report that `body` returns.
    ///
    /// - Returns: the exit status: 0 for success, 1 for a failed task, 2 for any other failure.
    func report(_ body: () async throws -> Report?) async -> Int32 {
        do {
            switch try await body() {
            case .sent(let id): print(id: id, state: nil, value: nil, text: id)
            case .ended(let id, let value): print(id: id, state: .success, value: value, text: text(value))
            case .pending(let id): print(id: id, state: .pending, value: nil, text: "PENDING")
            case .state(let id, let state, let value):
                print(id: id, state: state, value: value, text: "\(state) \(text(value))")
            case nil: break
            }
            return 0
        } catch let error as RemoteTaskError {
            print(error)
            return 1
        } catch {
            CommandEnvironment.say("Error: \(FailureText.of(error))")
            return 2
        }
    }

    private func print(id: String, state: TaskState?, value: WireValue?, text: String) {
        guard json else { return CommandEnvironment.write(Array(text.utf8)) }
        var object: WireObject = ["id": .string(id)]
        if let state { object["state"] = .string(state.rawValue) }
        if let value { object["result"] = value }
        CommandEnvironment.write(Array(self.text(.object(object)).utf8))
    }

    private func print(_ error: RemoteTaskError) {
        let arguments = text(.array(error.arguments))
        guard json else { return CommandEnvironment.say("\(error.state) \(error.type) \(arguments)") }
        let object: WireObject = [
            "id": .string(error.taskID), "state": .string(error.state.rawValue),
            "error": [
                "type": .string(error.type), "module": error.module.map { .string($0) } ?? .null,
                "args": .array(error.arguments),
                "traceback": error.traceback.map { .string($0) } ?? .null,
            ],
        ]
        CommandEnvironment.write(Array(text(.object(object)).utf8))
    }

    private func text(_ value: WireValue) -> String {
        // The value is a level deeper than in its result.
        let depth = WireLimits.celery.maximumDepth + 8
        let bytes = try? WireJSON.encode(
            value, style: json ? .python : .readable, nonFinite: .allow, maximumDepth: depth)
        return bytes.map { String(decoding: $0, as: UTF8.self) } ?? String(describing: value)
    }
}

/// Describes a failure in one sentence: what cannot be reached or used, and what to check. `--verbose` shows the
/// underlying socket errors.
enum FailureText {
    static func of(_ error: any Error) -> String {
        guard let error = error as? CeleriacError else { return "\(error)" }
        guard let cause = error.cause else { return error.message }
        #if Redis
        if let cause = cause as? RedisError {
            // The messages of these two codes are complete: they name the server.
            if cause.code == .connectFailed || cause.code == .invalidURL { return cause.message }
            return sentence(error.message, cause.message, cause.serverError.map { "\($0)" })
        }
        #endif
        #if AMQP
        if let cause = cause as? AMQPError {
            if cause.code == .invalidURL { return cause.message }
            if cause.code == .connectFailed {
                return sentence(
                    error.message, "The broker cannot be reached: check that it runs and that its address is right.",
                    nil)
            }
            return sentence(error.message, cause.message, cause.replyText)
        }
        #endif
        return "\(error.message) (\(cause))"
    }

    private static func sentence(_ what: String, _ why: String, _ answer: String?) -> String {
        "\(what). \(why)" + (answer.map { " (\($0))" } ?? "")
    }
}
