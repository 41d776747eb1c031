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
    /// Tells of a report by what is stored of its task.
    init(_ stored: TaskResult?) {
        guard let stored else {
            self.init(name: "waiting", data: "")
            return
        }
        switch stored.state {
        case .success:
            self.init(name: "done", data: stored.value.stringValue ?? "")
        case .failure, .revoked:
            self.init(name: "failed", data: stored.error?.type ?? stored.state.rawValue)
        case Reports.progress:
            let done = stored.value["done"]?.intValue ?? 0
            let total = stored.value["total"]?.intValue ?? 1
            self.init(name: "progress", data: "{\"done\": \(done), \"total\": \(total)}")
        default:
            self.init(name: "waiting", data: "")
        }
    }
}
