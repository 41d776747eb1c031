import CeleriacWire

/// How far workers are that take nothing more.
struct DrainProgress: Sendable {
    /// A worker that drains.
    struct Worker: Sendable, Hashable {
        let node: String
        /// The queues that it has left.
        var queues: [String] = []
        /// The queues that it would not leave, and why.
        var refusals: [String] = []
        /// How many queues it serves; nil while it has not said.
        var serving: Int?
        /// How many tasks it runs, how many wait to run, and how many wait for their time; nil while it has not said.
        var running: Int?
        var waiting: Int?
        var scheduled: Int?
        /// How often in a row it has said that it holds nothing. Once is not enough: what was on its way to it when it
        /// left its queues may come later.
        var emptyRounds = 0
        /// How often in a row it has not answered.
        var silences = 0

        init(_ node: String) { self.node = node }

        /// Whether it holds no task that has to end first.
        var isDrained: Bool { emptyRounds >= 2 }

        /// Whether it has not answered so often that it is taken for gone.
        var isGone: Bool { silences >= 5 }
    }

    /// Whether what waits for its time is waited for, too.
    let withScheduled: Bool
    /// The workers by name.
    private(set) var workers: [String: Worker] = [:]

    init(_ nodes: [String], withScheduled: Bool) {
        self.withScheduled = withScheduled
        for node in nodes { workers[node] = Worker(node) }
    }

    /// All workers in the order of their names.
    var all: [Worker] { workers.values.sorted { $0.node < $1.node } }

    /// Those that are waited for.
    var undrained: [Worker] { all.filter { !$0.isDrained && !$0.isGone && $0.refusals.isEmpty } }

    /// Whether every worker holds nothing more.
    var isComplete: Bool { all.allSatisfy(\.isDrained) }

    /// Notes a worker's answer to being told to leave a queue.
    mutating func note(_ reply: NodeReply, leaving queue: String) {
        if let error = reply.value["error"] {
            workers[reply.node]?.refusals.append("\(queue): \(PythonText.str(error))")
        } else {
            workers[reply.node]?.queues.append(queue)
        }
    }

    /// Notes how much workers hold.
    ///
    /// - Parameters:
    ///   - replies: lists of what those who have answered hold.
    ///   - held: where the count is noted.
    mutating func note(_ replies: [NodeReply], _ held: WritableKeyPath<Worker, Int?>) {
        for reply in replies {
            guard let count = reply.value.arrayValue?.count else { continue }
            workers[reply.node]?[keyPath: held] = count
        }
    }

    /// Ends a round of questions.
    ///
    /// - Parameters:
    ///   - asked: the workers that were asked.
    ///   - answered: those that have answered. A worker that has gone answers no more.
    mutating func endRound(asked: [String], answered: Set<String>) {
        for node in asked {
            guard var worker = workers[node] else { continue }
            let holdsScheduled = withScheduled && worker.scheduled != 0
            let isEmpty = worker.serving == 0 && worker.running == 0 && worker.waiting == 0 && !holdsScheduled
            if answered.contains(node) {
                worker.silences = 0
                worker.emptyRounds = isEmpty ? worker.emptyRounds + 1 : 0
            } else {
                worker.silences += 1
                worker.emptyRounds = 0
            }
            workers[node] = worker
        }
    }

    /// A line that says how far it is.
    var line: String {
        let left = undrained
        func count(_ held: KeyPath<Worker, Int?>) -> Int { left.compactMap { $0[keyPath: held] }.reduce(0, +) }
        let scheduled = withScheduled ? ", \(count(\.scheduled)) for their time" : ""
        let (running, waiting) = (count(\.running), count(\.waiting))
        return "\(all.count - left.count) of \(all.count) workers are drained; "
            + "\(running.counting("task runs", "tasks run")), \(waiting.counting("waits", "wait")) to run\(scheduled)"
    }
}
