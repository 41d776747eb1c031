import CeleriacCore
import CeleriacWire
import CeleryWire

extension CeleryControlCommand {
    /// The commands that change the worker itself.
    static let workerCommands: [CeleryControlCommand] = [
        CeleryControlCommand("enable_events") { call in
            ok(call.control.events.setEnabled(true) ? "task events enabled" : "task events already enabled")
        },
        CeleryControlCommand("disable_events") { call in
            ok(call.control.events.setEnabled(false) ? "task events disabled" : "task events already disabled")
        },
        CeleryControlCommand("heartbeat") { call in
            await call.control.events.send(
                .workerHeartbeat, CeleryEventFields.requestedHeartbeat(software: call.control.software),
                at: call.worker.now)
            return .null
        },
        CeleryControlCommand("add_consumer") { call in
            let queue = try QueueSettings.queue(of: call)
            // As in Celery, one that is known stays as it is, whatever is asked.
            let known = call.control.queues.known(queue.name)
            try await call.worker.addQueue(try known ?? call.control.queues.resolve(queue))
            return ok("add consumer \(queue.name)")
        },
        CeleryControlCommand("cancel_consumer") { call in
            let queue = try call.text("queue")
            try await call.worker.removeQueue(call.control.queues.known(queue)?.name ?? queue)
            return ok("no longer consuming from \(queue)")
        },
        CeleryControlCommand("pool_grow") { call in
            if call.worker.autoscaleBounds != nil { return refused(leftToAutoscale("pool_grow")) }
            try await call.worker.resize(by: try call.number("n", default: 1))
            return ok("pool will grow")
        },
        CeleryControlCommand("pool_shrink") { call in
            if call.worker.autoscaleBounds != nil { return refused(leftToAutoscale("pool_shrink")) }
            try await call.worker.resize(by: -(try call.number("n", default: 1)))
            return ok("pool will shrink")
        },
        CeleryControlCommand("autoscale") { call in
            guard call.worker.autoscaleBounds != nil else {
                throw TaskFailure("ValueError", "Autoscale not enabled")
            }
            let (maximum, minimum) = (try call.number("max"), try call.number("min"))
            // As with --autoscale: without a slot a worker would take no task that it could grow for.
            let range = try await call.worker.autoscale(maximum: maximum, minimum: minimum == 0 ? 1 : minimum)
            return ok("autoscale now max=\(range.upperBound) min=\(range.lowerBound)")
        },
        // A Python worker that was started without this feature answers the same.
        CeleryControlCommand("pool_restart") { _ in throw TaskFailure("ValueError", "Pool restarts not enabled") },
        // Workers hold elections by gossip. A worker need not take part in them.
        CeleryControlCommand("election") { _ in .null },
        CeleryControlCommand("shutdown") { call in
            call.worker.stop()
            return .null
        },
    ]

    /// Why a worker that scales itself leaves its size alone, as Celery says it.
    private static func leftToAutoscale(_ command: String) -> String {
        "\(command) is not supported with autoscale. Adjust autoscale range instead."
    }
}
