import CeleriacWire

/// What a testee is in a live run.
enum LiveRole: String, Sendable {
    case worker, producer, client, beat, monitor

    /// Whether it is asked by lines on its standard input.
    var isAsked: Bool { self == .producer || self == .client }

    /// Whether the lines of its standard output are read.
    var isRead: Bool { isAsked || self == .monitor }
}

/// The servers of a live run, and the testee, which is started when a case needs it.
actor ConformanceSite {
    private let role: LiveRole
    private let dialect: Corpus.Dialect
    private let broker: any LiveBroker
    private let store: any LiveStore
    private let launch: @Sendable () throws -> any LiveTestee
    private let starting: Duration
    private var testee: (any LiveTestee)?

    /// Makes a site without a testee.
    ///
    /// - Parameters:
    ///   - role: what the testee is.
    ///   - dialect: whose messages.
    ///   - broker: the broker.
    ///   - store: the Redis of the results.
    ///   - starting: how much longer its first answer may take, while an interpreter starts.
    ///   - launch: starts the testee.
    init(
        role: LiveRole, dialect: Corpus.Dialect, broker: any LiveBroker, store: any LiveStore,
        starting: Duration = .seconds(60), launch: @escaping @Sendable () throws -> any LiveTestee
    ) {
        self.role = role
        self.dialect = dialect
        self.broker = broker
        self.store = store
        self.starting = starting
        self.launch = launch
    }

    /// Plays a case.
    ///
    /// - Returns: the verdict as if the case were a MUST, and why it is not OK.
    /// - Throws: ``ConformanceError`` for a case that cannot be read, and for a testee that does not begin; errors of the
    ///   servers; `CancellationError`.
    func play(_ testCase: ConformanceCase) async throws -> (verdict: Verdict, detail: String?) {
        let isNew = try await start()
        var play = LivePlay(broker: broker, store: store, testee: testee, starting: isNew ? starting : .zero)
        let outcome: (verdict: Verdict, detail: String?)
        do {
            try await play.run(testCase.input["steps"]?.arrayValue ?? [])
            outcome = (.ok, nil)
        } catch let end as LiveEnd {
            outcome =
                switch end {
                case .unmet(let reason): (.failed, reason)
                case .late(let reason): (.timeout, reason)
                case .gone: (.crash, "the testee has ended")
                case .unimplemented: (.unimplemented, nil)
                }
        }
        try await broker.clear(Self.queues)
        // What a testee that failed still does must not reach the next case.
        if outcome.verdict.isBad || play.testee == nil { await stop() }
        return outcome
    }

    /// Ends the testee.
    func stop() async {
        guard let running = testee else { return }
        testee = nil
        await running.stop()
    }

    private static let queues: [String] =
        ["celery", "machinery_tasks", "kit.other"]
        + ["every", "half", "hour", "keywords", "minute", "never", "options", "priority"].map { "kit." + $0 }

    /// Starts the testee if it does not run.
    ///
    /// - Returns: whether it is new.
    private func start() async throws -> Bool {
        if let testee, testee.exitStatus == nil { return false }
        await stop()
        // What a worker that was killed held is nobody's now.
        try await store.command("DEL", "unacked", "unacked_index", "unacked_mutex", "delayed_tasks")
        let started = try launch()
        testee = started
        let steps = LiveWarmup.steps(role, dialect)
        guard !steps.isEmpty else { return true }
        var play = LivePlay(broker: broker, store: store, testee: started)
        do {
            try await play.run(steps)
            return true
        } catch let end as LiveEnd {
            await stop()
            let reason =
                switch end {
                case .unmet(let reason), .late(let reason): reason
                case .gone, .unimplemented: "it has ended"
                }
            throw ConformanceError("the \(role.rawValue) did not begin: \(reason)")
        }
    }
}

/// How a testee shows that it works: a worker by a task, a beat by what it sends, a monitor by what it prints.
enum LiveWarmup {
    /// The steps of it, none for who is asked by lines. A testee may take a minute for its start.
    static func steps(_ role: LiveRole, _ dialect: Corpus.Dialect) -> [WireValue] {
        switch role {
        case .producer, .client: []
        case .worker: task(dialect)
        case .beat: [["receive": "kit.every", "within": 60]]
        case .monitor: heartbeat
        }
    }

    /// An event is published until it is heard: what is published before a monitor listens is lost.
    private static var heartbeat: [WireValue] {
        let event: WireValue = [
            "type": "worker-heartbeat", "hostname": "kit-${a}@nowhere", "timestamp": 1_795_000_000.25, "utcoffset": 0,
            "pid": 7, "clock": 12, "freq": 2.0, "active": 0, "processed": 0,
        ]
        let message: WireValue = ["headers": ["hostname": "kit-${a}@nowhere"], "value": event]
        let publish: WireValue = ["broadcast": message, "exchange": "celeryev", "key": "worker.heartbeat"]
        let check: WireValue = ["at": ["text"], "contains": "${a}"]
        return [
            ["listen": "celeryev"], ["printed": true, "within": 60, "checks": [check], "again": publish],
        ]
    }

    private static func task(_ dialect: Corpus.Dialect) -> [WireValue] {
        switch dialect {
        case .celery:
            let headers: WireValue = [
                "lang": "py", "task": "tasks.add", "id": "${a}", "root_id": "${a}", "parent_id": nil, "group": nil,
                "eta": nil, "expires": nil, "retries": 0, "timelimit": [nil, nil], "ignore_result": false,
            ]
            let embed: WireValue = ["callbacks": nil, "errbacks": nil, "chain": nil, "chord": nil]
            let body: WireValue = .array([[1, 2], [:], embed])
            return [
                ["send": ["headers": headers, "value": body]],
                [
                    "result": "celery-task-meta-${a}", "within": 60,
                    "checks": [["at": ["value", "result"], "is": 3]],
                ],
            ]
        case .machinery:
            let arguments: WireValue = [
                ["Name": "", "Type": "int64", "Value": 1], ["Name": "", "Type": "int64", "Value": 2],
            ]
            let signature: WireValue = ["UUID": "task_${a}", "Name": "add", "Args": arguments]
            return [
                ["redis": ["RPUSH", "machinery_tasks", ["json": signature]]],
                ["result": "task_${a}", "within": 60, "checks": [["at": ["value", "State"], "is": "SUCCESS"]]],
            ]
        }
    }
}
