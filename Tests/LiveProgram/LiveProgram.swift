import Celeriac
import CeleriacCommand
import Foundation
import LiveTasks

/// A program whose verbs live tests call.
@main struct LiveProgram: CeleryProgram {
    /// What ``prepare(_:)`` shares with the handlers.
    struct Greeting: Sendable {
        let text: String
    }

    var settings: CelerySettings {
        var settings = CelerySettings()
        // Whoever starts the program says otherwise.
        settings.broker = "redis://127.0.0.1:1/0"
        return settings
    }

    func prepare(_ worker: inout WorkerConfiguration) async throws {
        worker.share(Greeting(text: "prepared"))
        // Whoever sends a pickle should hear of it.
        worker.failsTasksOfUnacceptedContent = true
    }

    func finish() async { try? FileHandle.standardOutput.write(contentsOf: Data("finished\n".utf8)) }

    var tasks: [TaskHandler] {
        LiveTasks.handlers
        TaskDefinition<Int, Int, Int>("tasks.add", parameters: "x", "y").handler { $0 + $1 }
        TaskDefinition<String>("tasks.prepared").handler { context in try context.shared(Greeting.self).text }
        TaskDefinition<Double, Double>("tasks.slow").handler { seconds in
            try await Task.sleep(for: .seconds(seconds))
            return seconds
        }
        // Writes a line when it begins, and another when somebody has made the gate.
        TaskDefinition<String, String, String, String>("tasks.held").handler { path, text, gate in
            try append("\(text) begins", to: path)
            while !gate.isEmpty, !FileManager.default.fileExists(atPath: gate) {
                try await Task.sleep(for: .milliseconds(20))
            }
            try append(text, to: path)
            return text
        }
    }

    private func append(_ text: String, to path: String) throws {
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? file.close() }
        try file.seekToEnd()
        try file.write(contentsOf: Data("\(text)\n".utf8))
    }
}
