import CeleriacWire

/// What events have told so far: the workers, how often which task ran, and how long tasks waited. It is bounded, however
/// many events come.
struct EventBoard: Sendable {
    /// A worker.
    struct Worker: Sendable {
        let node: String
        var isOffline = false
        /// When it was last heard of, by this host's clock.
        var lastHeard: Double
        /// How many seconds pass between its heartbeats.
        var frequency = 2.0
        var active: Int?
        var processed: Int?
        var load: Double?
        var software = ""
        /// How many tasks have ended there.
        var ended = RateCounter()

        /// Whether it is taken for lost, as by Celery's monitors: no heartbeat came for twice the time and some more.
        func isLost(at now: Double) -> Bool { now - lastHeard > max(60, frequency * 2) }
    }

    /// A kind of tasks.
    struct Kind: Sendable {
        let name: String
        var sent = 0
        var received = 0
        var started = 0
        var succeeded = 0
        var failed = 0
        var retried = 0
        /// Revoked, rejected or expired.
        var dropped = 0
        /// The seconds that successful runs took.
        var runtime = 0.0
        var ended = RateCounter()

        init(name: String) { self.name = name }
    }

    /// A task that has not ended.
    private struct Task {
        var name: String
        var sent: Double?
        var received: Double?
    }

    /// How many workers, kinds of tasks and unended tasks are remembered.
    private static let limits = (workers: 1000, kinds: 1000, tasks: 50_000)
    /// How many waits are remembered.
    private static let waitCount = 1000

    private(set) var workers: [String: Worker] = [:]
    private(set) var kinds: [String: Kind] = [:]
    private var tasks: [String: Task] = [:]
    /// How many events have come.
    private(set) var events = RateCounter()
    /// How many seconds the latest tasks waited: in their queue, from when they were sent to when a worker had them, and
    /// in the worker, until they began.
    private(set) var inQueue = Waits(limit: EventBoard.waitCount)
    private(set) var inWorker = Waits(limit: EventBoard.waitCount)
    /// Whether there was an event about a task.
    private(set) var hasTasks = false

    init() {}

    /// Takes an event.
    ///
    /// - Parameters:
    ///   - event: the event.
    ///   - now: the time by this host's clock, in seconds since 1970.
    mutating func add(_ event: WireObject, at now: Double) {
        events.add(at: now)
        let type = event["type"]?.stringValue ?? ""
        let node = event["hostname"]?.stringValue ?? ""
        if type.hasPrefix("worker-") { return addWorker(event, type, node, now) }
        guard type.hasPrefix("task-"), let id = event["uuid"]?.stringValue else { return }
        hasTasks = true
        addTask(event, type, id, at: event["timestamp"]?.doubleValue ?? now, now: now)
        // Clients have no heartbeats, and are no workers.
        if type != "task-sent" {
            touch(node, now)
            if Self.isEnd(type) { workers[node]?.ended.add(at: now) }
        }
    }

    private static func isEnd(_ type: String) -> Bool {
        ["task-succeeded", "task-failed", "task-retried", "task-revoked", "task-rejected"].contains(type)
    }

    private mutating func touch(_ node: String, _ now: Double) {
        guard workers[node] != nil || workers.count < Self.limits.workers else { return }
        workers[node, default: Worker(node: node, lastHeard: now)].lastHeard = now
        workers[node]?.isOffline = false
    }

    private mutating func addWorker(_ event: WireObject, _ type: String, _ node: String, _ now: Double) {
        touch(node, now)
        guard var worker = workers[node] else { return }
        worker.isOffline = type == "worker-offline"
        if let frequency = event["freq"]?.doubleValue, frequency > 0 { worker.frequency = frequency }
        if let active = event["active"]?.intValue { worker.active = active }
        if let processed = event["processed"]?.intValue { worker.processed = processed }
        if let load = event["loadavg"]?[0]?.doubleValue { worker.load = load }
        if let name = event["sw_ident"]?.stringValue {
            worker.software = "\(name) \(event["sw_ver"]?.stringValue ?? "")"
        }
        workers[node] = worker
    }

    // MARK: Tasks

    private mutating func addTask(_ event: WireObject, _ type: String, _ id: String, at time: Double, now: Double) {
        var task = tasks[id] ?? Task(name: "")
        if let name = event["name"]?.stringValue { task.name = name }
        var kind = kinds[task.name] ?? Kind(name: task.name)
        var isOver = false
        switch type {
        case "task-sent":
            kind.sent += 1
            task.sent = time
        case "task-received":
            kind.received += 1
            task.received = time
            // A task with a time of its own waits because it should.
            if let sent = task.sent, event["eta"]?.stringValue == nil { inQueue.add(time - sent) }
        case "task-started":
            kind.started += 1
            if let received = task.received { inWorker.add(time - received) }
        case "task-succeeded":
            kind.succeeded += 1
            kind.runtime += event["runtime"]?.doubleValue ?? 0
            isOver = true
        case "task-failed":
            kind.failed += 1
            isOver = true
        case "task-retried":
            // The same task is received again.
            kind.retried += 1
            task.sent = nil
            task.received = nil
        case "task-revoked", "task-rejected":
            kind.dropped += 1
            isOver = true
        default: return
        }
        if Self.isEnd(type) { kind.ended.add(at: now) }
        if kinds[kind.name] != nil || kinds.count < Self.limits.kinds { kinds[kind.name] = kind }
        if isOver {
            tasks[id] = nil
        } else if tasks[id] != nil || tasks.count < Self.limits.tasks {
            tasks[id] = task
        } else {
            // Whatever the oldest are: they have most likely ended unheard.
            tasks = [id: task]
        }
    }
}

/// Counts what happens, and how much of it in the last seconds.
struct RateCounter: Sendable, Hashable {
    /// Over how many seconds a rate is taken.
    static let window = 10

    /// All that has happened.
    private(set) var total = 0
    /// What happened in each of the last seconds, and which seconds these are.
    private var counts = [Int](repeating: 0, count: RateCounter.window)
    private var seconds = [Int](repeating: .min, count: RateCounter.window)

    init() {}

    /// Counts something.
    mutating func add(at now: Double) {
        total += 1
        guard let second = Int(exactly: now.rounded(.down)), second >= 0 else { return }
        let place = second % Self.window
        if seconds[place] != second {
            seconds[place] = second
            counts[place] = 0
        }
        counts[place] += 1
    }

    /// How much happened in a second, on an average of the last ones.
    func rate(at now: Double) -> Double {
        guard let second = Int(exactly: now.rounded(.down)) else { return 0 }
        let recent = zip(seconds, counts).filter { $0.0 > second - Self.window && $0.0 <= second }
        return Double(recent.map(\.1).reduce(0, +)) / Double(Self.window)
    }
}

/// The latest of many numbers of seconds.
struct Waits: Sendable, Hashable {
    private let limit: Int
    private var values: [Double] = []
    private var next = 0

    init(limit: Int) { self.limit = limit }

    /// Adds a wait. Clocks differ, so that it may seem to have been less than nothing.
    mutating func add(_ seconds: Double) {
        let seconds = max(0, seconds)
        if values.count < limit {
            values.append(seconds)
        } else {
            values[next] = seconds
            next = (next + 1) % limit
        }
    }

    /// How many waits there are.
    var count: Int { values.count }

    /// The median, the wait that 19 of 20 do not exceed, and the longest; nil if there is none.
    var summary: (median: Double, most: Double, longest: Double)? {
        let sorted = values.sorted()
        guard let longest = sorted.last else { return nil }
        return (sorted[sorted.count / 2], sorted[min(sorted.count - 1, sorted.count * 19 / 20)], longest)
    }
}
