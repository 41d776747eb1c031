public import CeleriacWire
import CeleryWire

/// What workers tell about themselves, as Celery's `app.control.inspect()`.
extension CeleryControl {
    /// Asks who is there. The replies are `pong`.
    public func ping() async throws -> [ControlReply<String>] { try await tell("ping", reply: true) }

    /// Lists the tasks that run.
    ///
    /// - Parameter safe: whether workers show the arguments as text.
    /// - Returns: the replies.
    /// - Throws: as all functions of ``CeleryControl``.
    public func active(safe: Bool = false) async throws -> [ControlReply<[CeleryTaskInfo]>] {
        try await ask("active", ["safe": safe ? true : .null]) { value in
            CeleryTaskInfo.list(value) { CeleryTaskInfo($0, state: "active") }
        }
    }

    /// Lists the tasks that wait for room to run.
    public func reserved() async throws -> [ControlReply<[CeleryTaskInfo]>] {
        try await ask("reserved") { value in CeleryTaskInfo.list(value) { CeleryTaskInfo($0, state: "reserved") } }
    }

    /// Lists the tasks that wait for their ETA.
    public func scheduled() async throws -> [ControlReply<[CeleryTaskInfo]>] {
        try await ask("scheduled") { value in
            CeleryTaskInfo.list(value) { item in
                item["request"].flatMap {
                    CeleryTaskInfo(
                        $0, state: "scheduled", eta: item["eta"]?.stringValue.flatMap { CeleryTime.date($0) })
                }
            }
        }
    }

    /// Finds tasks by their ids. Workers leave out those that they do not hold.
    public func queryTask(_ ids: [String]) async throws -> [ControlReply<[CeleryTaskInfo]>] {
        try await ask("query_task", ["ids": .array(ids.map { .string($0) })]) { value in
            guard let tasks = value.objectValue?.values else { return nil }
            return CeleryTaskInfo.list(.array(Array(tasks))) { task in
                guard let state = task[0]?.stringValue, let info = task[1] else { return nil }
                return CeleryTaskInfo(info, state: state)
            }
        }
    }

    /// Lists the ids of revoked tasks.
    public func revoked() async throws -> [ControlReply<[String]>] { try await ask("revoked", read: Self.texts) }

    /// Lists the tasks that workers serve: `tasks.add`, or `tasks.add [rate_limit=10/m]`.
    ///
    /// - Parameter items: the attributes of tasks to show, by Celery's names; none for the exchange, the routing key and
    ///   the rate limit. Attributes that are not set are left out.
    /// - Returns: the replies.
    /// - Throws: as all functions of ``CeleryControl``.
    public func registered(taskInfoItems items: [String] = []) async throws -> [ControlReply<[String]>] {
        try await ask("registered", ["taskinfoitems": .array(items.map { .string($0) })], read: Self.texts)
    }

    /// Counts what workers have run, and describes their pools, brokers and processes.
    public func stats() async throws -> [ControlReply<WireObject>] { try await ask("stats") { $0.objectValue } }

    /// Asks workers why they take no tasks. A worker replies without a reason if it consumes, its broker and its result store
    /// answer, and it is not stopping: what `/ready` says of it (``HealthEndpoint``). It looks for half a second at most. Python's
    /// workers say nothing of this, so one that replies counts as ready.
    ///
    /// The request is `stats`, to whose reply workers in Swift add `readiness`: `{"ready": false, "reasons": ["…"]}`.
    public func readiness() async throws -> [ControlReply<[String]>] {
        try await ask("stats", read: Self.reasonsNotReady)
    }

    private static func reasonsNotReady(_ stats: WireValue) -> [String]? {
        guard stats.objectValue != nil else { return nil }
        guard let readiness = stats["readiness"] else { return [] }
        guard let isReady = readiness["ready"]?.boolValue, let reasons = readiness["reasons"].flatMap(texts) else {
            return nil
        }
        return isReady || !reasons.isEmpty ? reasons : ["it is not ready, and does not say why"]
    }

    /// Describes software and settings, as text for people.
    public func report() async throws -> [ControlReply<String>] { try await tell("report", reply: true) }

    /// Lists settings by Celery's names, without passwords.
    ///
    /// - Parameter withDefaults: whether Python workers also list settings that nobody has changed.
    /// - Returns: the replies.
    /// - Throws: as all functions of ``CeleryControl``.
    public func conf(withDefaults: Bool = false) async throws -> [ControlReply<WireObject>] {
        try await ask("conf", ["with_defaults": .bool(withDefaults)]) { $0.objectValue }
    }

    /// Lists the queues that workers serve, as kombu describes them: each with its `name`.
    public func activeQueues() async throws -> [ControlReply<[WireObject]>] {
        try await ask("active_queues") { value in
            let queues = value.arrayValue?.compactMap(\.objectValue)
            return queues?.count == value.arrayValue?.count ? queues : nil
        }
    }

    /// Tells the workers' logical clocks.
    public func clock() async throws -> [ControlReply<Int>] { try await ask("clock") { $0["clock"]?.intValue } }

    private static func texts(_ value: WireValue) -> [String]? {
        let texts = value.arrayValue?.compactMap(\.stringValue)
        return texts?.count == value.arrayValue?.count ? texts : nil
    }
}
