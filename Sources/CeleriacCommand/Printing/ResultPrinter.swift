import ArgumentParser
import Celeriac
import CeleriacWire

/// Prints the outcome of a task.
struct ResultPrinter {
    enum Report {
        case sent(String)
        case ended(id: String, WireValue)
        case pending(String)
        /// A result that has not come, and what to say of that.
        case missing(id: String, String)
        case state(id: String, TaskState, WireValue)
        /// The traceback that is stored with a state, if there is one.
        case traceback(id: String, TaskState, String?)
    }

    let output: CommandOutput

    /// Prints the report that `body` returns.
    ///
    /// - Returns: the exit status: 0 for success, 1 for a failed task, 2 for any other failure.
    /// - Throws: `ExitCode` and `ValidationError` of `body`, for settings that cannot be followed.
    func report(_ body: () async throws -> Report?) async throws -> Int32 {
        do {
            switch try await body() {
            case .sent(let id): print(id: id, state: nil, value: nil, text: id)
            case .ended(let id, let value): print(id: id, state: .success, value: value, text: output.text(of: value))
            case .pending(let id): print(id: id, state: .pending, value: nil, text: "PENDING")
            case .state(let id, let state, let value):
                // On the way to its end a task need not have a value.
                let shown = state.isFinal || !value.isNull ? " \(output.text(of: value))" : ""
                print(id: id, state: state, value: value, text: "\(state)\(shown)")
            case .traceback(let id, let state, let text):
                let object: WireObject = [
                    "id": .string(id), "state": .string(state.rawValue),
                    "traceback": text.map { .string($0) } ?? .null,
                ]
                // As Celery's command has it, with Python's word for nothing.
                output.show(object) { [text ?? "None"] }
            case .missing(let id, let text):
                // Whoever reads JSON needs the id no less.
                if output.json { print(id: id, state: nil, value: nil, text: id) }
                CommandEnvironment.say("Error: \(text)")
                return 2
            case nil: break
            }
            return 0
        } catch let error as RemoteTaskError {
            print(error)
            return 1
        } catch let code as ExitCode {
            throw code
        } catch let error as ValidationError {
            throw error
        } catch {
            CommandEnvironment.say("Error: \(FailureText.of(error))")
            return 2
        }
    }

    private func print(id: String, state: TaskState?, value: WireValue?, text: String) {
        var object: WireObject = ["id": .string(id)]
        if let state { object["state"] = .string(state.rawValue) }
        if let value { object["result"] = value }
        output.show(object) { [text] }
    }

    private func print(_ error: RemoteTaskError) {
        guard output.json else {
            return CommandEnvironment.say("\(error.state) \(error.type) \(output.text(of: .array(error.arguments)))")
        }
        let object: WireObject = [
            "id": .string(error.taskID), "state": .string(error.state.rawValue),
            "error": [
                "type": .string(error.type), "module": error.module.map { .string($0) } ?? .null,
                "args": .array(error.arguments),
                "traceback": error.traceback.map { .string($0) } ?? .null,
            ],
        ]
        output.show(object) { [] }
    }
}
