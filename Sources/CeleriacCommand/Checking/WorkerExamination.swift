import CeleriacWire
import Foundation

/// Judges what workers say of themselves, and where they disagree.
struct WorkerExamination {
    /// A kind of broker, which brings limits of its own.
    enum Transport: Sendable {
        case redis, rabbitMQ, other
    }

    /// How long RabbitMQ lets a delivery stay unacknowledged, unless it is configured: its `consumer_timeout`.
    static let consumerTimeout = 1800.0

    let workers: [WorkerFacts]
    let transport: Transport

    /// Settings in which all workers of one database or virtual host must agree, and why.
    private static let common: [(name: String, why: String)] = [
        ("broker_transport_options.visibility_timeout", "the shortest decides when others take over messages"),
        ("broker_transport_options.priority_steps", "messages lie in lists that not all of them serve"),
        ("broker_transport_options.sep", "messages lie in lists that not all of them serve"),
        ("task_default_queue", "tasks that name no queue go to different ones"),
        ("control_exchange", "remote control reaches some of them alone"),
        ("enable_utc", "times without a zone are read differently"),
    ]
    /// Settings in which workers of one kind must agree: the kinds write them differently.
    private static let commonOfOneKind: [(name: String, why: String)] = [
        ("result_backend", "results are not where they are looked for"),
        ("result_serializer", "results are written in forms that not all read"),
        ("result_expires", "results live for different times"),
        ("result_extended", "results have different fields"),
        ("timezone", "schedules and times without a zone are read differently"),
        ("task_acks_late", "what a crash loses or repeats depends on where the task runs"),
        ("task_reject_on_worker_lost", "what a crash loses or repeats depends on where the task runs"),
        ("task_queue_max_priority", "the queue cannot be declared by all of them"),
        ("task_default_queue_type", "the queue cannot be declared by all of them"),
    ]

    /// What is to be said of the workers.
    var findings: [Finding] {
        guard !workers.isEmpty else {
            return [
                .warning(
                    "workers", "none has answered",
                    "start one at this broker; with worker_enable_remote_control off, or busy in the pool solo, it is silent"
                )
            ]
        }
        let names = workers.map(\.node).joined(separator: ", ")
        var findings = [Finding.ok("workers", "\(workers.count) answered: \(names)")]
        findings += versions
        findings += clocks
        findings += disagreements
        findings += forms
        for worker in workers { findings += limits(of: worker) }
        return findings
    }

    private var versions: [Finding] {
        let known = Dictionary(grouping: workers.filter { $0.software != nil }) { $0.software ?? "" }
        if known.isEmpty { return [] }
        let text = known.sorted { $0.key < $1.key }
            .map { "\($0.key) (\($0.value.map(\.node).joined(separator: ", ")))" }.joined(separator: "; ")
        let python = known.keys.filter { $0.hasPrefix("py-celery ") }
        if python.count > 1 {
            return [
                .note(
                    "versions", text,
                    "several versions of Celery share the queues: finish the upgrade, they differ in what they write")
            ]
        }
        return [.ok("versions", text)]
    }

    private var clocks: [Finding] {
        let known = workers.filter { $0.clockOffset != nil }
        let bad = known.filter { abs($0.clockOffset ?? 0) > ServerExamination.tolerableSkew }
        if bad.isEmpty {
            let agreement = known.count.counting("worker agrees", "workers agree") + " with this machine"
            return known.isEmpty ? [] : [.ok("clocks", agreement)]
        }
        return bad.map { ServerExamination.clock("the clock of \($0.node)", $0.clockOffset ?? 0) }
    }

    // MARK: Settings

    private var disagreements: [Finding] {
        var findings = Self.common.compactMap { disagreement($0.name, $0.why, among: workers) }
        for kind in [workers.filter(\.isSwift), workers.filter { !$0.isSwift }] {
            findings += Self.commonOfOneKind.compactMap { disagreement($0.name, $0.why, among: kind) }
        }
        let told = workers.filter { !$0.settings.isEmpty }.count
        if findings.isEmpty, told > 1 { return [.ok("settings", "\(told) workers agree in what they must")] }
        return findings
    }

    private func disagreement(_ name: String, _ why: String, among workers: [WorkerFacts]) -> Finding? {
        let told = workers.filter { !$0.settings.isEmpty && $0.value(name) != nil }
        let values = Dictionary(grouping: told) { Self.text(of: $0.value(name) ?? .null) }
        guard values.count > 1 else { return nil }
        let text = values.sorted { $0.key < $1.key }
            .map { "\($0.key) at \($0.value.map(\.node).joined(separator: ", "))" }.joined(separator: "; ")
        return .problem("settings", "\(name) is \(text)", "\(why): give all workers the same")
    }

    /// Whether every worker reads what another one's tasks are written in.
    private var forms: [Finding] {
        var findings: [Finding] = []
        let written = Dictionary(grouping: workers) { $0.value("task_serializer")?.stringValue ?? "" }
        for (form, writers) in written.sorted(by: { $0.key < $1.key }) where !form.isEmpty {
            let strangers = workers.filter { worker in
                guard let accepted = worker.value("accept_content")?.arrayValue?.compactMap(\.stringValue) else {
                    return false
                }
                return !accepted.contains { $0 == form || $0.hasSuffix("/\(form)") || $0.hasSuffix("/x-\(form)") }
            }
            if strangers.isEmpty { continue }
            findings.append(
                .problem(
                    "formats",
                    "\(writers.map(\.node).joined(separator: ", ")) send tasks in \(form), which "
                        + "\(strangers.map(\.node).joined(separator: ", ")) refuse",
                    "add \(form) to their accept_content"))
        }
        return findings
    }

    // MARK: Timeouts

    /// How long a broker lets a worker hold a message.
    private struct Limit {
        var seconds: Double
        var name: String
        var remedy: String
    }

    /// What a worker holds for longer than its broker lets it.
    private func limits(of worker: WorkerFacts) -> [Finding] {
        guard let limit = limit(of: worker) else { return [] }
        let seconds = "\(limit.name) (\(Self.text(limit.seconds)))"
        var findings: [Finding] = []
        // Workers in Swift have RabbitMQ keep what is due later.
        if let latest = worker.latestETA, latest > limit.seconds, !worker.isSwift {
            findings.append(
                .problem(
                    "timeouts",
                    "\(worker.node) holds a task for another \(Self.text(latest)), longer than \(seconds): "
                        + "it comes again meanwhile",
                    limit.remedy))
        }
        // A worker in Swift knows again what comes back to itself.
        if worker.value("task_acks_late") == true, !worker.isSwift || sharesQueues(worker) {
            let longest = worker.seconds("task_time_limit")
            if longest.map({ $0 > limit.seconds }) ?? true {
                let text = longest.map { "up to \(Self.text($0))" } ?? "without a limit"
                let harm = worker.isSwift ? "other workers of its queues run them again" : "they are run again"
                findings.append(
                    .warning(
                        "timeouts",
                        "\(worker.node) acknowledges late, and tasks may run \(text), longer than \(seconds): "
                            + "\(harm) then",
                        "set task_time_limit below it, or \(limit.remedy)"))
            }
        }
        return findings
    }

    /// The limit of what a worker holds; nil where there is none.
    private func limit(of worker: WorkerFacts) -> Limit? {
        switch transport {
        case .redis:
            // Workers in Swift renew what they hold.
            if worker.isSwift { return nil }
            return Limit(
                seconds: worker.seconds("broker_transport_options.visibility_timeout") ?? 3600,
                name: "visibility_timeout",
                remedy: "raise visibility_timeout in broker_transport_options of all workers")
        case .rabbitMQ:
            let delays = worker.isSwift ? "" : ", or use quorum queues with Celery's native delayed delivery"
            let usual = Limit(
                seconds: Self.consumerTimeout, name: "RabbitMQ's consumer_timeout",
                remedy: "raise consumer_timeout at the broker\(delays)")
            let limits = (worker.queues ?? [:]).sorted { $0.key < $1.key }.map { queue, arguments -> Limit in
                guard let own = Self.ownTimeout(arguments) else { return usual }
                return Limit(
                    seconds: own, name: "x-consumer-timeout of the queue \(queue)",
                    remedy: "declare the queue with a longer one\(delays)")
            }
            return limits.min { $0.seconds < $1.seconds } ?? usual
        case .other: return nil
        }
    }

    /// How long RabbitMQ waits by the queue's own argument, in seconds; nil if that does not say.
    private static func ownTimeout(_ arguments: WireObject) -> Double? {
        guard let milliseconds = arguments["x-consumer-timeout"]?.doubleValue, milliseconds > 0 else { return nil }
        return milliseconds / 1000
    }

    /// Whether another worker may get what comes back from this one.
    private func sharesQueues(_ worker: WorkerFacts) -> Bool {
        workers.contains { other in
            guard other.node != worker.node else { return false }
            guard let theirs = other.queues, let own = worker.queues else { return true }
            return own.keys.contains { theirs[$0] != nil }
        }
    }

    /// A value as it is compared: Python and Swift write the same number differently.
    private static func text(of value: WireValue) -> String {
        guard let number = value.doubleValue, let whole = Int(exactly: number) else { return CommandOutput.json(value) }
        return "\(whole)"
    }

    /// A span that a worker tells, which may be any number, and none.
    private static func text(_ seconds: Double) -> String {
        let (number, unit) = seconds < 120 ? (max(0, seconds), "s") : (min(seconds / 60, 1e9), "min")
        return String(format: "%.0f", number.rounded(.down)) + " \(unit)"
    }
}
