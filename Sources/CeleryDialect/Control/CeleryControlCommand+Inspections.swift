package import CeleriacCore
package import CeleriacWire
import CeleryWire
import FoundationEssentials

extension CeleryControlCommand {
    /// The commands that report what a worker is and does.
    static let inspections: [CeleryControlCommand] = [
        CeleryControlCommand("ping") { _ in ok("pong") },
        CeleryControlCommand("clock") { call in ["clock": .int(call.control.clock.value)] },
        CeleryControlCommand("active", aliases: ["dump_active"]) { call in
            let isSafe = call["safe"]?.isTrue ?? false
            return .array(await call.jobs(.active).map { call.info(of: $0, isSafe: isSafe) })
        },
        CeleryControlCommand("reserved", aliases: ["dump_reserved"]) { call in
            .array(await call.jobs(.reserved).map { call.info(of: $0) })
        },
        CeleryControlCommand("scheduled", aliases: ["dump_schedule"]) { call in
            .array(
                await call.jobs(.scheduled).map { job in
                    [
                        "eta": job.request.eta.flatMap { CeleryTime.text($0) }.map { .string($0) } ?? .null,
                        "priority": 6, "request": call.info(of: job),
                    ]
                })
        },
        CeleryControlCommand("query_task") { call in
            let ids = Set(try call.texts("ids"))
            await call.worker.catchUp()
            let jobs = await call.worker.jobs(withIDs: ids)
            return .object(
                WireObject(
                    jobs.map { job in (job.request.id, [.string(name(of: job.phase)), call.info(of: job)]) }))
        },
        CeleryControlCommand("revoked", aliases: ["dump_revoked"]) { call in
            .array(call.worker.revokedIDs.map { .string($0) })
        },
        CeleryControlCommand("registered", aliases: ["dump_tasks"]) { call in registered(call) },
        CeleryControlCommand("active_queues") { call in
            .array(call.worker.queues.map { description(of: call.control.queues.queue($0) ?? TaskQueue($0)) })
        },
        CeleryControlCommand("stats") { call in await stats(call) },
        CeleryControlCommand("conf", aliases: ["dump_conf"]) { call in .object(call.control.settings) },
        CeleryControlCommand("report") { call in ok(report(call)) },
        CeleryControlCommand("memsample") { _ in
            ProcessFacts.residentMemory.map { .string(ProcessFacts.text(ofBytes: $0)) } ?? .null
        },
        CeleryControlCommand("hello") { call in
            guard try call.text("from_node") != call.worker.nodeName else {
                await call.control.meet(call[Namesakes.argument]?.stringValue)
                return .null
            }
            let ids = Mingling.ids(in: call["revoked"])
            if !ids.isEmpty { call.worker.revoke(ids) }
            return [
                "revoked": .array(call.worker.revokedIDs.map { .string($0) }),
                "clock": .int(call.control.clock.forward()),
            ]
        },
    ]

    private static func name(of phase: JobSnapshot.Phase) -> String {
        switch phase {
        case .active: "active"
        case .reserved: "reserved"
        case .scheduled: "scheduled"
        }
    }

    /// Task names, each with the attributes that the caller asked for.
    private static func registered(_ call: CeleryControlCall) -> WireValue {
        let asked = (call["taskinfoitems"]?.arrayValue ?? []).compactMap(\.stringValue).filter { !$0.hasPrefix("_") }
        let items = asked.isEmpty ? ["exchange", "routing_key", "rate_limit"] : asked
        let withBuiltIns = call["builtins"]?.isTrue ?? false
        let names = call.worker.taskNames.filter { withBuiltIns || !$0.hasPrefix("celery.") }
        return .array(
            names.map { name in
                let fields = items.compactMap { item in
                    attribute(item, of: name, call).map { "\(item)=\($0)" }
                }
                return .string(fields.isEmpty ? name : "\(name) [\(fields.joined(separator: " "))]")
            })
    }

    /// A task's attribute under Celery's name, as Python's `str` shows it; nil if it does not exist or is `None`.
    private static func attribute(_ name: String, of task: String, _ call: CeleryControlCall) -> String? {
        func python(_ flag: Bool) -> String { flag ? "True" : "False" }
        guard let options = call.worker.options(of: task) else { return nil }
        switch name {
        case "name": return task
        case "rate_limit": return options.rateLimit?.description
        case "time_limit": return options.timeLimits.hard.map { PythonRepr().text(of: .double($0.seconds)) }
        case "soft_time_limit": return options.timeLimits.soft.map { PythonRepr().text(of: .double($0.seconds)) }
        case "max_retries": return options.retry?.maximumRetries.map { "\($0)" }
        case "ignore_result": return python(options.ignoresResult ?? false)
        case "track_started": return python(options.tracksStarted ?? false)
        case "store_errors_even_if_ignored": return python(options.storesErrorsEvenIfIgnored ?? false)
        case "acks_on_failure": return python(options.acknowledgesOnFailure ?? true)
        case "acks_on_timeout": return python(options.acknowledgesOnTimeout ?? true)
        case "acks_late":
            // What the task leaves open is as the worker's settings say.
            return (options.acknowledgement.map { $0 == .late } ?? call.control.settings["task_acks_late"]?.boolValue)
                .map(python)
        default: return nil
        }
    }

    /// A queue as kombu describes it.
    /// A queue as kombu's `as_dict` shows it.
    package static func description(of queue: TaskQueue) -> WireValue {
        func orNull(_ object: WireObject) -> WireValue { object.isEmpty ? .null : .object(object) }
        func describe(_ exchange: TaskQueue.Exchange) -> WireValue {
            [
                "name": .string(exchange.name), "type": .string(exchange.type), "arguments": orNull(exchange.arguments),
                "durable": .bool(exchange.isDurable), "passive": false, "auto_delete": .bool(exchange.isAutoDeleted),
                "delivery_mode": nil, "no_declare": false,
            ]
        }
        let first = queue.bindings.first
        return [
            "name": .string(queue.name), "exchange": first.map { describe($0.exchange) } ?? .null,
            "routing_key": .string(first?.routingKey ?? queue.name), "queue_arguments": orNull(queue.arguments),
            "binding_arguments": orNull(first?.arguments ?? [:]),
            "consumer_arguments": orNull(queue.consumerArguments), "durable": .bool(queue.isDurable),
            "exclusive": .bool(queue.isExclusive), "auto_delete": .bool(queue.isAutoDeleted), "no_ack": false,
            "alias": queue.alias.map { .string($0) } ?? .null,
            "bindings": .array(
                queue.bindings.dropFirst().map { binding in
                    [
                        "exchange": describe(binding.exchange), "routing_key": .string(binding.routingKey),
                        "arguments": orNull(binding.arguments), "unbind_arguments": nil,
                    ]
                }),
            "no_declare": queue.isDeclared ? nil : true, "expires": nil, "message_ttl": nil, "max_length": nil,
            "max_length_bytes": nil,
            "max_priority": nil,
        ]
    }

    private static func stats(_ call: CeleryControlCall) async -> WireValue {
        let worker = call.worker
        let pid = Int64(ProcessFacts.processID)
        let total = worker.runCounts.sorted { $0.key < $1.key }.map { ($0.key, WireValue.int(Int64($0.value))) }
        let uptime = Int64(exactly: worker.now.timeIntervalSince(worker.startTime).rounded(.down)) ?? 0
        var stats: WireObject = [
            "total": .object(WireObject(total)), "pid": .int(pid),
            // Celery sends the clock as text.
            "clock": .string(String(call.control.clock.value)), "uptime": .int(uptime),
            "pool": [
                "implementation": "celeriac:Worker", "max-concurrency": .int(Int64(worker.concurrency)),
                "processes": [.int(pid)], "max-tasks-per-child": "N/A", "put-guarded-by-semaphore": false,
                "timeouts": [0, 0], "writes": "N/A",
            ],
            "broker": .object(call.control.broker.brokerDescription.kombuSettings),
            "prefetch_count": .int(Int64(worker.prefetchCount)),
            "rusage": ProcessFacts.resourceUsage,
        ]
        if let bounds = worker.autoscaleBounds {
            stats["autoscaler"] = [
                "max": .int(Int64(bounds.upperBound)), "min": .int(Int64(bounds.lowerBound)),
                "current": .int(Int64(worker.concurrency)), "qty": .int(Int64(worker.heldCount)),
            ]
        }
        // Whether the worker takes tasks, and if not, why. Celery knows no such entry.
        let reasons = await worker.reasonsNotReady()
        stats["readiness"] = [
            "ready": .bool(reasons.isEmpty), "reasons": .array(reasons.map { .string($0) }),
        ]
        // For how many seconds the result store has been out of reach. Celery knows no such entry.
        if let outage = worker.resultStoreOutage { stats["result_store_outage"] = .double(outage.seconds) }
        // How many messages it holds of tasks whose outcomes wait, by queue. Celery knows no such entry.
        let counts = worker.unsettledCounts.sorted { $0.key < $1.key }.map { ($0.key, WireValue.int(Int64($0.value))) }
        if !counts.isEmpty { stats["waiting_outcomes"] = .object(WireObject(counts)) }
        return .object(stats)
    }

    private static func report(_ call: CeleryControlCall) -> String {
        let software = call.control.software
        var text = """

            software -> celery:5.7 (protocol) \(software.name):\(software.version)
            platform -> system:\(software.system) arch:\(ProcessFacts.architecture) imp:Swift
            settings -> transport:\(call.worker.brokerName) results:\(call.worker.resultStoreName ?? "disabled")


            """
        for (name, value) in call.control.settings { text += "\(name): \(PythonExceptionText.repr(value))\n" }
        return text
    }
}

extension CeleryControlCall {
    fileprivate func jobs(_ phase: JobSnapshot.Phase) async -> [JobSnapshot] {
        await worker.catchUp()
        if phase == .scheduled { return await worker.scheduledJobs() }
        return worker.jobs.filter { $0.phase == phase }
    }

    /// A task as inspections show it. If `isSafe` is set, they show its arguments as text.
    fileprivate func info(of job: JobSnapshot, isSafe: Bool = false) -> WireValue {
        let request = job.request
        let message = request.celeryMessage
        let repr = PythonRepr()
        var info = CeleryRequestInfo(
            id: request.id, name: request.name,
            args: isSafe
                ? .string(message?.argsrepr ?? repr.text(args: request.arguments)) : .array(request.arguments),
            kwargs: isSafe
                ? .string(message?.kwargsrepr ?? repr.text(kwargs: request.keywordArguments))
                : .object(request.keywordArguments),
            nodeName: worker.nodeName)
        info.startTime = job.startTime?.timeIntervalSince1970
        info.isAcknowledged = job.isAcknowledged
        info.routingKey = request.queue
        info.priority = Int(request.priority ?? 0)
        info.isRedelivered = request.redelivered
        info.processID = job.phase == .active ? Int(ProcessFacts.processID) : nil
        return info.wireValue
    }
}

extension WireValue {
    /// Whether a flag is set: Python's `bool()` gives true for it, or it is a word that means true.
    var isTrue: Bool {
        switch self {
        case .bool(let flag): flag
        case .int(let number): number != 0
        case .string(let text): ["true", "yes", "1", "on"].contains(text.lowercased())
        default: false
        }
    }
}

extension BrokerDescription {
    /// What `inspect stats` says about a broker: kombu's connection settings, in kombu's order and without the
    /// password.
    var kombuSettings: WireObject {
        [
            "hostname": host.map { .string($0) } ?? .null, "userid": user.map { .string($0) } ?? .null,
            "virtual_host": .string(virtualHost), "port": .int(Int64(port)), "insist": false,
            "ssl": .bool(isEncrypted), "transport": .string(transport), "connect_timeout": 4,
            "transport_options": [:], "login_method": loginMethod.map { .string($0) } ?? .null, "uri_prefix": nil,
            "heartbeat": 120.0, "failover_strategy": "round-robin", "alternates": [], "credential_provider": nil,
        ]
    }
}
