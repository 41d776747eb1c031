import CeleriacCore
import CeleriacWire
import CeleryDialect

/// What settings say of tasks: for all of them, and in `task_annotations`.
extension CelerySettings {
    /// Reads `task_annotations`: options by task name, or a list of such, of which the later ones go before as in Celery.
    static func annotations(
        _ value: WireValue, _ remarks: inout SettingRemarks
    ) throws(CeleriacError) -> [String: TaskOptions] {
        var annotations: [String: TaskOptions] = [:]
        for mapping in value.arrayValue ?? [value] {
            guard let mapping = mapping.objectValue else {
                throw CeleriacError(.configuration, "task_annotations needs keys with values")
            }
            for (name, value) in mapping {
                var annotation = SettingsSection(value, "task_annotations of '\(name)'")
                var options = try taskOptions(&annotation, prefix: "", rateLimit: "rate_limit")
                try readRetries(&annotation, &options)
                annotation.finish(&remarks, idle: idleAttributes)
                annotations[name] = options.over(annotations[name] ?? TaskOptions())
            }
        }
        return annotations
    }

    /// Attributes of tasks that an annotation may have without effect, by the reason.
    private static let idleAttributes: [(reason: String, names: [String])] = [
        (
            "senders decide it: write it in task_routes, or name it where the task is sent",
            [
                "compression", "delivery_mode", "exchange", "expires", "immediate", "mandatory", "priority", "queue",
                "routing_key", "serializer",
            ]
        ),
        (
            "the handler's own options say it",
            [
                "autoretry_for", "dont_autoretry_for", "retry_backoff", "retry_backoff_max", "retry_jitter",
                "retry_kwargs", "throws",
            ]
        ),
        ("late messages of a lost worker come back in any case", ["reject_on_worker_lost", "retry_on_worker_lost"]),
        ("set task_store_eager_result", ["store_eager_result"]),
        (
            "it names Python code, or how Python runs it",
            [
                "Request", "Strategy", "after_return", "backend", "before_start", "on_failure", "on_retry",
                "on_success", "send_events", "trail", "typing",
            ]
        ),
    ]

    /// Reads what an annotation says of retries, and of acknowledgement after failures and limits alike.
    private static func readRetries(
        _ annotation: inout SettingsSection, _ options: inout TaskOptions
    ) throws(CeleriacError) {
        if let both = try annotation.flag("acks_on_failure_or_timeout") {
            options.acknowledgesOnFailure = options.acknowledgesOnFailure ?? both
            options.acknowledgesOnTimeout = options.acknowledgesOnTimeout ?? both
        }
        if annotation.has("max_retries") {
            // As in Celery, null is no limit.
            let number = try annotation.number("max_retries")
            guard let limit = number == nil ? Int.max : number.flatMap({ Int(exactly: $0) }), limit >= 0 else {
                throw annotation.error("needs a number, 0 or more, or null for max_retries")
            }
            options.retryLimit = limit
        }
        options.retryDelay = try annotation.duration("default_retry_delay")
    }

    /// Reads a task's options, which have the same names in the defaults for all tasks and in an annotation of one.
    static func taskOptions(
        _ section: inout SettingsSection, prefix: String, rateLimit: String
    ) throws(CeleriacError) -> TaskOptions {
        var options = TaskOptions()
        options.acknowledgement = try section.flag(prefix + "acks_late").map { $0 ? .late : .early }
        options.acknowledgesOnFailure = try section.flag(prefix + "acks_on_failure")
        options.acknowledgesOnTimeout = try section.flag(prefix + "acks_on_timeout")
        options.ignoresResult = try section.flag(prefix + "ignore_result")
        options.storesErrorsEvenIfIgnored = try section.flag(prefix + "store_errors_even_if_ignored")
        options.tracksStarted = try section.flag(prefix + "track_started")
        // As in Celery, zero is no limit.
        options.timeLimits.hard = try section.duration(prefix + "time_limit").flatMap { $0 > .zero ? $0 : nil }
        options.timeLimits.soft = try section.duration(prefix + "soft_time_limit").flatMap { $0 > .zero ? $0 : nil }
        if let limit = try section.take(rateLimit) {
            let number = limit.intValue.map { String($0) } ?? limit.doubleValue.map { String($0) }
            let text = limit.stringValue ?? number ?? ""
            options.rateLimit = RateLimit(text)
            // As in Celery, zero is no limit. An annotation could not take away the task's own.
            let isNone = !prefix.isEmpty && Double(text.prefix { $0 != "/" }) == 0
            guard options.rateLimit != nil || isNone else {
                throw section.error("needs a number and s, m or h, as in 10/m, for \(rateLimit)")
            }
        }
        return options
    }
}
