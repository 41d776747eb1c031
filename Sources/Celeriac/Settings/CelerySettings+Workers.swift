import CeleriacCore
import CeleriacWire
import CeleryDialect
import NIOCore

extension CelerySettings {
    /// The settings of workers and beats.
    static let workerTable: [Setting] = [
        .flag("worker_enable_remote_control", \.configuration.control.isEnabled),
        .flag("worker_send_task_events", \.configuration.control.sendsTaskEvents),
        Setting(
            "control_exchange", "control_queue_ttl", "control_queue_expires", "control_queue_exclusive",
            "control_queue_durable"
        ) { section, settings throws(CeleriacError) in
            var control = settings.configuration.control
            if let name = try section.text("control_exchange") { control.namespace = name }
            // Null is for ever; an absent setting leaves the default.
            if section.has("control_queue_ttl") { control.queueTTL = try section.duration("control_queue_ttl") }
            if section.has("control_queue_expires") {
                control.queueExpiry = try section.duration("control_queue_expires")
            }
            if let flag = try section.flag("control_queue_exclusive") { control.isQueueExclusive = flag }
            if let flag = try section.flag("control_queue_durable") { control.isQueueDurable = flag }
            guard !(control.isQueueExclusive && control.isQueueDurable) else {
                throw section.error("cannot have control_queue_durable without control_queue_exclusive: false")
            }
            settings.configuration.control = control
        },
        Setting("worker_concurrency") { section, settings throws(CeleriacError) in
            guard let value = try section.take("worker_concurrency") else { return }
            let isAutomatic = value.stringValue?.lowercased() == "auto"
            guard let count = isAutomatic ? 0 : value.intValue ?? value.stringValue.flatMap({ Int($0) }), count >= 0
            else {
                throw section.error("needs a number, 0 or more, or auto for worker_concurrency")
            }
            // As in Celery, zero is one for each core.
            settings.worker.concurrency = count > 0 ? count : System.coreCount
        },
        Setting("worker_prefetch_multiplier") { section, settings throws(CeleriacError) in
            guard let number = try section.number("worker_prefetch_multiplier") else { return }
            guard let count = Int(exactly: number), count >= 0 else {
                throw section.error("needs a number, 0 or more, for worker_prefetch_multiplier")
            }
            settings.worker.prefetchMultiplier = count > 0 ? count : 1_000
        },
        .flag("worker_disable_prefetch", \.worker.disablesPrefetch),
        .flag("worker_disable_rate_limits", \.worker.disablesRateLimits),
        Setting("worker_eta_task_limit") { section, settings throws(CeleriacError) in
            guard let value = try section.take("worker_eta_task_limit") else { return }
            guard let limit = value.intValue, limit >= 0 else {
                throw section.error("needs a number, 0 or more, for worker_eta_task_limit")
            }
            // As in Celery, zero is no limit.
            settings.worker.maximumScheduledTasks = limit > 0 ? limit : nil
        },
        .flag("worker_cancel_long_running_tasks_on_connection_loss", \.worker.cancelsTasksOnConnectionLoss),
        .flag("worker_deduplicate_successful_tasks", \.worker.deduplicatesSuccessfulTasks),
        Setting("worker_soft_shutdown_timeout") { section, settings throws(CeleriacError) in
            if let timeout = try section.duration("worker_soft_shutdown_timeout") {
                settings.worker.softShutdownTimeout = timeout
            }
        },
        .flag("worker_enable_soft_shutdown_on_idle", \.worker.softShutdownIsForIdle),
        .text("worker_pool", \.pool),
        .text("worker_state_db", \.worker.stateFile),
        Setting("beat_scheduler") { section, settings throws(CeleriacError) in
            guard let name = try section.text("beat_scheduler"),
                !CelerySettings.isOwnScheduler(name)
            else { return }
            settings.foreignScheduler = name
            settings.notices.append(
                "beat_scheduler is \(name), which keeps its schedule elsewhere: workers need none, and a beat here is refused"
            )
        },
        .flag("beat_enable_remote_control", \.beatAnswersPing),
        Setting("beat_remote_control_max_tick_age") { section, settings throws(CeleriacError) in
            guard let age = try section.duration("beat_remote_control_max_tick_age") else { return }
            settings.beatMaximumTickAge = age
        },
        Setting(
            "timezone", "enable_utc", "beat_schedule", "beat_cron_starting_deadline", "beat_max_loop_interval",
            "missed_runs"
        ) { section, settings throws(CeleriacError) in
            if let usesUTC = try section.flag("enable_utc") { settings.configuration.usesUTC = usesUTC }
            if let zone = section.peek("timezone")?.stringValue { settings.configuration.timeZone = zone }
            // Celery has 0 for its default.
            if section.peek("beat_max_loop_interval")?.doubleValue == 0 {
                _ = try section.take("beat_max_loop_interval")
            }
            // As in Celery, the system's zone is for those who name none and want no UTC.
            settings.schedule = try BeatFile(&section, defaultZone: settings.configuration.usesUTC ? .utc : .local)
        },
    ]

    /// Whether a beat's scheduler is one of Celery's own, with a dot or a colon in its name: their entries are in the settings.
    package static func isOwnScheduler(_ name: String) -> Bool {
        ["celery.beat:PersistentScheduler", "celery.beat:Scheduler"].contains(name.replacing("beat.", with: "beat:"))
    }
}
