import CeleriacTestKit
import CeleriacWire

extension PythonDriver {
    /// What the controlled worker answers to a method of `app.control.inspect()`; nil where it does not in time.
    func inspected(_ method: String, _ arguments: WireValue = []) async throws -> WireValue? {
        // It waits for the one reply, not for the time.
        let fields: [String: WireValue] = [
            "method": .string(method), "args": arguments, "timeout": 20, "limit": 1,
            "destination": [.string(ControlledWorker.name)],
        ]
        return try await ask("inspect", fields)["replies"]?[ControlledWorker.name]
    }

    /// What the controlled worker answers to a command; nil where it does not in time.
    func controlled(_ command: String, _ arguments: WireValue = [:]) async throws -> WireValue? {
        let fields: [String: WireValue] = [
            "command": .string(command), "arguments": arguments, "timeout": 20, "limit": 1,
            "destination": [.string(ControlledWorker.name)],
        ]
        return try await ask("control", fields)["replies"]?[0]?[ControlledWorker.name]
    }
}
