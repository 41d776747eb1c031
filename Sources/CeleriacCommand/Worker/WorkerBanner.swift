import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryDialect
import Foundation
import Glibc
import Logging

/// What a worker prints when it starts, in the form that Celery's has: a person sees whom it serves.
struct WorkerBanner {
    let plan: WorkerPlan
    /// The name of the program.
    let program: String
    /// The broker and the result store, without credentials.
    let broker: String
    let results: String?
    /// The names of the tasks, in any order.
    let tasks: [String]
    /// How many more there are, that every worker of Celery has.
    var builtInCount = 0

    /// The text.
    func text(at time: Date, system: String = Self.system) -> String {
        let worker = plan.worker
        let concurrency =
            worker.autoscale.map { "{min=\($0.lowerBound), max=\($0.upperBound)}" } ?? "\(worker.concurrency)"
        let eventsOn = plan.control.sendsTaskEvents
        var lines = [
            "", "\(plan.nodeName) v\(ProcessFacts.version) (celeriac)", "",
            "\(system) \(LogTime.text(of: time))", "",
            "[config]",
            ".> app:         \(program)",
            ".> transport:   \(broker)",
            ".> results:     \(results ?? "disabled")",
            ".> concurrency: \(concurrency) (handlers)",
            ".> task events: \(eventsOn ? "ON" : "OFF (-E turns them on for monitors)")",
        ]
        if let endpoint = worker.healthEndpoint { lines.append(".> health:      http://\(endpoint)/ready") }
        lines += ["", "[queues]"]
        for queue in worker.queues.map(\.name).sorted() {
            let padded = queue.padded(to: 16)
            lines.append(".> \(padded) exchange=\(queue)(direct) key=\(queue)")
        }
        if plan.level.level <= .info {
            lines += ["", "[tasks]"] + tasks.sorted().map { "  . \($0)" }
            // The log counts these, too.
            if builtInCount > 0 { lines.append("  and \(builtInCount) of Celery's own") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The operating system and its release.
    private static let system: String = {
        var facts = utsname()
        guard uname(&facts) == 0 else { return "Linux" }
        func text(_ field: some Any) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        return "\(text(facts.sysname))-\(text(facts.release))-\(text(facts.machine))"
    }()
}
