import CeleriacTestKit
import CeleriacWire

extension PythonDriver {
    /// The controlled worker's reply to a method of `app.control.inspect()`; nil if there is none in time.
    func inspected(_ method: String, _ arguments: WireValue = []) async throws -> WireValue? {
        // The driver waits for the one reply, not for the whole time.
        let fields: [String: WireValue] = [
            "method": .string(method), "args": arguments, "timeout": 20, "limit": 1,
            "destination": [.string(ControlledWorker.name)],
        ]
        return try await ask("inspect", fields)["replies"]?[ControlledWorker.name]
    }

    /// The controlled worker's reply to a command; nil if there is none in time.
    func controlled(_ command: String, _ arguments: WireValue = [:]) async throws -> WireValue? {
        let fields: [String: WireValue] = [
            "command": .string(command), "arguments": arguments, "timeout": 20, "limit": 1,
            "destination": [.string(ControlledWorker.name)],
        ]
        return try await ask("control", fields)["replies"]?[0]?[ControlledWorker.name]
    }
}
