import CeleriacCore
import CeleriacWire
import CeleryWire
import Logging

/// The commands of a worker, by all their names.
struct ControlPanel: Sendable {
    private let commands: [String: CeleryControlCommand]

    init(_ configuration: CeleryControlConfiguration) {
        var commands: [String: CeleryControlCommand] = [:]
        for command in Self.builtIn + configuration.commands {
            if let allowed = configuration.allowedCommands, !allowed.contains(command.name) { continue }
            for name in [command.name] + command.aliases { commands[name] = command }
        }
        self.commands = commands
    }

    static let builtIn = inspections + taskCommands + workerCommands

    /// Carries out a request.
    ///
    /// - Returns: the reply; errors as Python words them.
    func carryOut(_ request: CeleryControlRequest, worker: WorkerControl, node: CeleryControlNode) async -> WireValue {
        guard let command = commands[request.method] else {
            node.logger.error("remote control: there is no such command", metadata: ["command": "\(request.method)"])
            return ["error": .string(PythonExceptionText.text(type: "KeyError", arguments: [.string(request.method)]))]
        }
        do {
            return try await command.run(
                CeleryControlCall(
                    worker: worker, arguments: request.arguments, method: request.method, node: node))
        } catch {
            node.logger.error(
                "remote control: the command failed", metadata: ["command": "\(request.method)", "error": "\(error)"])
            return ["error": .string(Self.text(of: error))]
        }
    }

    private static func text(of error: any Error) -> String {
        if let failure = error as? TaskFailure {
            return PythonExceptionText.text(type: failure.type, arguments: failure.arguments)
        }
        if let error = error as? CeleriacError {
            return PythonExceptionText.text(
                type: error.code == .unsupported ? "NotImplementedError" : "RuntimeError",
                arguments: [.string(error.message)])
        }
        return PythonExceptionText.text(type: String(describing: type(of: error)), arguments: [])
    }

    // MARK: Replies

    static func ok(_ text: String) -> WireValue { ["ok": .string(text)] }

    static func refused(_ text: String) -> WireValue { ["error": .string(text)] }
}
