import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import LiveTasks

/// The tasks of the Python peer in Swift, with the same names and results.
enum MatrixTasks {
    static let add = TaskDefinition<WireNumber, WireNumber, WireNumber>("tasks.add", parameters: "x", "y")
    static let fail = LiveTasks.fail
    static let retryUntil = LiveTasks.retryUntil
    static let record = TaskDefinition<String, String, Double, String>(
        "tasks.record", parameters: "path", "text", .init("seconds", default: 0))
    static let held = TaskDefinition<String, String, String, String>("tasks.held", parameters: "path", "text", "gate")
    static let slow = TaskDefinition<Double, Double>("tasks.slow")
    static let ignored = TaskDefinition<Variadic<WireValue>, Int>("tasks.ignored")

    @TaskHandlerBuilder static var handlers: [TaskHandler] {
        TaskDefinition<Int, Int, Int>("tasks.add", parameters: "x", "y").handler { $0 + $1 }
        LiveTasks.handlers
        record.handler { path, text, seconds in
            try await Task.sleep(for: .seconds(seconds))
            try append(text, to: path)
            return text
        }
        held.handler { path, text, gate in
            try append("\(text) swift", to: path + ".begun")
            await until { gate.isEmpty || FileManager.default.fileExists(atPath: gate) }
            try append("\(text) swift", to: path)
            return text
        }
        TaskDefinition<String, String, Void>("tasks.on_error").handler { id, path in try append(id, to: path) }
        slow.handler { seconds in
            try await Task.sleep(for: .seconds(seconds))
            return seconds
        }
        ignored.handler(options: TaskOptions(ignoresResult: true)) { _ in 1 }
        TaskHandler("tasks.headers") { context in
            .object(context.request.headers.filter { $0.key.hasPrefix("x-") })
        }
    }
}
