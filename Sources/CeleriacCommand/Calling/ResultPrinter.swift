import Celeriac

/// Prints what became of a task: for a person, with text as it reads, or as one JSON object in ASCII.
struct ResultPrinter {
    enum Report {
        case sent(String)
        case ended(id: String, WireValue)
        case pending(String)
        case state(id: String, TaskState, WireValue)
    }

    let json: Bool

    /// Prints what `body` finds.
    ///
    /// - Returns: the exit status: 0, 1 for a task that failed, 2 for anything else that went wrong.
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
        (try? WireJSON.encode(value, style: json ? .python : .readable, nonFinite: .allow)).map {
            String(decoding: $0, as: UTF8.self)
        }
            ?? String(describing: value)
    }
}
