import Celeriac

/// One message of Server-Sent Events.
struct ServerSentEvent: Equatable {
    var name: String
    var data: String

    /// The message as the browser reads it: a line for each line of the data, and an empty one at the end.
    var text: String {
        let lines = data.split(separator: "\n", omittingEmptySubsequences: false).map { "data: \($0)\n" }
        return "event: \(name)\n\(lines.joined())\n"
    }
}

extension ServerSentEvent {
    /// Tells how far a report is.
    init(_ progress: TaskProgress<String, Reports.Step>) {
        switch progress {
        case .success(let name):
            self.init(name: "done", data: name)
        case .failure(let error):
            self.init(name: "failed", data: error.type)
        case .update(_, let step):
            self.init(name: "progress", data: "{\"done\": \(step.done), \"total\": \(step.total)}")
        case .pending, .received, .started, .retrying:
            self.init(name: "waiting", data: "")
        }
    }
}
