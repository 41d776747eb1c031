package import CeleriacCore
package import CeleriacWire
import CeleryWire

/// Reads `task_routes`, in all the forms in which Celery takes them and a file can have them.
package enum RouteSettings {
    /// Reads routes: a mapping by name or pattern, a list of pairs of these, or a list of mappings and lists of pairs, of
    /// which the first counts that has a route. A route is the name of a queue, or has `queue`, `exchange`,
    /// `exchange_type`, `routing_key`, `priority`, `delivery_mode` and `compression`. A pattern has a `*`, or is written
    /// `re.compile('…')`, as `inspect conf` shows a regular expression.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`, whose message names the route.
    package static func routes(
        _ value: WireValue, _ remarks: inout SettingRemarks
    ) throws(CeleriacError) -> TaskRoutes {
        var routes = TaskRoutes()
        if let list = value.arrayValue, !isPairs(list) {
            for router in list { try add(router, to: &routes, &remarks) }
        } else {
            try add(value, to: &routes, &remarks)
        }
        return routes
    }

    /// Options of routes that have no effect, by the reason.
    private static let idle: [(reason: String, names: [String])] = [
        ("set task_serializer, or name it where the task is sent", ["serializer"]),
        ("set task_publish_retry and task_publish_retry_policy", ["retry", "retry_policy"]),
        ("queues are declared as task_queues has them", ["declare"]),
        ("brokers confirm what they take in any case", ["confirm_timeout", "immediate", "mandatory", "timeout"]),
        (
            "name it where the task is sent",
            [
                "argsrepr", "countdown", "eta", "expiration", "expires", "headers", "ignore_result", "kwargsrepr",
                "link",
                "link_error", "shadow", "soft_time_limit", "time_limit",
            ]
        ),
    ]

    private static func isPairs(_ list: [WireValue]) -> Bool { list.allSatisfy { pair($0) != nil } }

    private static func pair(_ value: WireValue) -> (name: String, route: WireValue)? {
        guard let pair = value.arrayValue, pair.count == 2, let name = pair[0].stringValue, pair[1].arrayValue == nil
        else {
            return nil
        }
        return (name, pair[1])
    }

    private static func add(
        _ router: WireValue, to routes: inout TaskRoutes, _ remarks: inout SettingRemarks
    ) throws(CeleriacError) {
        routes.beginTable()
        if let mapping = router.objectValue {
            for (name, route) in mapping { try add(name, route, to: &routes, &remarks) }
        } else if let list = router.arrayValue, isPairs(list) {
            for (name, route) in list.compactMap(pair) { try add(name, route, to: &routes, &remarks) }
        } else if let function = router.stringValue {
            throw CeleriacError(
                .configuration,
                "task_routes names the Python function '\(function)': only names and patterns can be followed here")
        } else {
            throw CeleriacError(.configuration, "task_routes needs routes by task name, or a list of these")
        }
    }

    private static func add(
        _ name: String, _ value: WireValue, to routes: inout TaskRoutes, _ remarks: inout SettingRemarks
    ) throws(CeleriacError) {
        let route = try self.route(value, of: name, &remarks)
        for quote: Character in ["'", "\""] where name.hasPrefix("re.compile(\(quote)") {
            guard let first = name.firstIndex(of: quote), let last = name.lastIndex(of: quote), first < last else {
                continue
            }
            guard name[last...].dropFirst() == ")" else {
                throw CeleriacError(
                    .configuration, "task_routes has the pattern \(name), but flags of patterns cannot be followed")
            }
            let expression = String(name[name.index(after: first)..<last])
            return try routes.add(matching: expression.replacing(#"\\"#, with: #"\"#), route)
        }
        routes.add(name, route)
    }

    private static func route(
        _ value: WireValue, of task: String, _ remarks: inout SettingRemarks
    ) throws(CeleriacError) -> TaskRoute {
        if let queue = value.stringValue, !queue.isEmpty { return TaskRoute(queue: queue) }
        var options = SettingsSection(value, "task_routes of '\(task)'")
        var route = TaskRoute(
            queue: try options.text("queue"), exchange: try options.text("exchange"),
            exchangeType: try options.text("exchange_type"), routingKey: try options.text("routing_key"))
        if let priority = try options.number("priority") {
            guard let known = UInt8(exactly: priority) else { throw options.error("needs 0 to 255 for priority") }
            route.priority = known
        }
        route.deliveryMode = try options.deliveryMode("delivery_mode")
        if let name = try options.text("compression") {
            guard CompressionMethod(celeryName: name)?.isAvailable == true else {
                throw options.error("needs gzip, bzip2, lzma or zstd, as far as they are built in, for compression")
            }
            route.compression = Compression(rawValue: name)
        }
        options.finish(&remarks, idle: idle)
        guard value.objectValue?.isEmpty == false else {
            throw options.error("needs a queue, an exchange or a routing key")
        }
        return route
    }
}
