import CeleriacWire
import Foundation

/// Draws what events have told as lines that fit a terminal.
struct EventScreen: Sendable {
    let style: TerminalStyle
    /// The broker's name, without credentials.
    let broker: String

    /// What is told beside the events.
    struct Notice: Sendable {
        /// Why nothing is heard at the moment; nil while the connection holds.
        var loss: String?
        /// How many messages were no events.
        var unreadable = 0
        /// How many events were missed, because this process was too slow.
        var missed = 0
    }

    /// The lines.
    ///
    /// - Parameters:
    ///   - board: what events have told.
    ///   - notice: what is told beside that.
    ///   - now: the time in seconds since 1970.
    ///   - size: the terminal's.
    /// - Returns: lines no longer and no more than the terminal has.
    func lines(_ board: EventBoard, _ notice: Notice, at now: Double, size: TerminalSize) -> [String] {
        let workers = board.workers.values.sorted { $0.node < $1.node }
        let online = workers.filter { !$0.isOffline && !$0.isLost(at: now) }.count
        let time = Date(timeIntervalSince1970: now).ISO8601Format()
        var lines = [
            "\(broker)  \(time)  \(online) of \(workers.count) workers online, "
                + "\(board.events.total) events, \(Self.number(board.events.rate(at: now)))/s"
        ]
        if let loss = notice.loss { lines.append("CONNECTION LOST: \(loss)") }
        if notice.unreadable > 0 {
            lines.append(notice.unreadable.counting("message was no event", "messages were no events"))
        }
        if notice.missed > 0 {
            let missed = notice.missed.counting("event was", "events were")
            lines.append("\(missed) missed: they come faster than they are read")
        }
        lines.append("")
        lines += waits(board)
        lines.append("")
        let tasks = tasks(board, at: now)
        // Both tables are of use: workers may take what tasks leave, but half of the room at least.
        let room = max(0, size.rows - lines.count - 1)
        let table = workerTable(workers, at: now)
        lines += table.prefix(max(room / 2, room - tasks.count - 1))
        lines.append("")
        lines += tasks
        return Self.fit(lines, size, style)
    }

    private func waits(_ board: EventBoard) -> [String] {
        guard board.hasTasks else {
            return ["No events about tasks yet. Workers send them with -E, or once control enable_events told them to."]
        }
        func line(_ what: String, _ waits: Waits, else reason: String) -> String {
            guard let summary = waits.summary else { return "\(what): \(reason)" }
            let (median, most, longest) = summary
            return "\(what): median \(Self.seconds(median)), 95 % \(Self.seconds(most)), longest "
                + "\(Self.seconds(longest)) (the latest \(waits.count) tasks)"
        }
        return [
            line("Waited in queues", board.inQueue, else: "unknown without task-sent events (task_send_sent_event)"),
            line("Waited in workers", board.inWorker, else: "no task has begun yet"),
        ]
    }

    private func workerTable(_ workers: [EventBoard.Worker], at now: Double) -> [String] {
        TextTable(
            ["WORKER", "STATE", "ACTIVE", "PROCESSED", "LOAD", "TASKS/S", "HEARD", "SOFTWARE"],
            workers.map { worker in
                [
                    worker.node, worker.isOffline ? "offline" : worker.isLost(at: now) ? "lost" : "online",
                    worker.active.map { "\($0)" }, worker.processed.map { "\($0)" },
                    worker.load.map { Self.number($0) }, Self.number(worker.ended.rate(at: now)),
                    "\(Self.seconds(max(0, now - worker.lastHeard))) ago", worker.software,
                ]
            }, empty: "No worker is heard of."
        ).lines
    }

    private func tasks(_ board: EventBoard, at now: Double) -> [String] {
        let kinds = board.kinds.values.sorted {
            ($1.ended.rate(at: now), $1.received, $0.name) < ($0.ended.rate(at: now), $0.received, $1.name)
        }
        // A narrow terminal cuts lines off, so what matters most stands before the names, which may be long.
        return TextTable(
            ["TASKS/S", "SUCCEEDED", "FAILED", "MEAN", "TASK", "SENT", "RECEIVED", "STARTED", "RETRIED", "DROPPED"],
            kinds.map { kind in
                [
                    Self.number(kind.ended.rate(at: now)), "\(kind.succeeded)", "\(kind.failed)",
                    kind.succeeded > 0 ? Self.seconds(kind.runtime / Double(kind.succeeded)) : nil,
                    // The events of an end have no name, and the one that had it was not heard, or never sent.
                    kind.name.isEmpty ? "(name unknown)" : kind.name, "\(kind.sent)", "\(kind.received)",
                    "\(kind.started)", "\(kind.retried)", "\(kind.dropped)",
                ]
            }, empty: "No task is heard of."
        ).lines
    }

    /// Cuts lines to a terminal's size, and colors what stands out.
    private static func fit(_ lines: [String], _ size: TerminalSize, _ style: TerminalStyle) -> [String] {
        lines.prefix(max(1, size.rows - 1)).map { line in
            let cut = String(line.printable.prefix(max(1, size.columns)))
            if cut.hasPrefix("CONNECTION LOST") { return style.text(cut, .red) }
            if cut.hasPrefix("WORKER ") || cut.hasPrefix("TASKS/S ") { return style.text(cut, .cyan) }
            return cut
        }
    }

    private static func number(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        return String(format: value >= 100 ? "%.0f" : "%.1f", value)
    }

    private static func seconds(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        return value < 10 ? String(format: "%.3f s", value) : String(format: "%.0f s", value)
    }
}
