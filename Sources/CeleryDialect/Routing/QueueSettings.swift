package import CeleriacCore
package import CeleriacWire

/// Reads the definitions of queues as kombu's `Queue.from_dict` does: those of `task_queues`, and that of `add_consumer`.
package enum QueueSettings {
    /// Reads `task_queues`: options by name, or a list of options that have a `name`.
    ///
    /// In a mapping a queue without a routing key has its own name for one, in a list that of `task_default_routing_key`;
    /// without an exchange it is bound to the default one. `broadcast: true` makes it a queue of each worker's own.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`, whose message names the queue.
    package static func queues(
        _ value: WireValue, defaults: QueueTable.Defaults
    ) throws(CeleriacError) -> [TaskQueue] {
        if let list = value.arrayValue {
            return try list.map { entry throws(CeleriacError) in
                if let name = entry.stringValue { return TaskQueue(name, bindings: [defaultBinding(defaults)]) }
                var options = SettingsSection(entry, "a queue of task_queues")
                guard let name = try options.text("name"), !name.isEmpty else {
                    throw options.error("needs a name")
                }
                return try queue(name, &options, defaults, routingKey: defaults.defaultRoutingKey)
            }
        }
        guard let mapping = value.objectValue else {
            throw CeleriacError(.configuration, "task_queues needs queues by name, or a list of them")
        }
        return try mapping.map { name, value throws(CeleriacError) in
            var options = SettingsSection(value.isNull ? [:] : value, "task_queues of '\(name)'")
            return try queue(name, &options, defaults, routingKey: name)
        }
    }

    /// Reads the queue of an `add_consumer`: by its name alone, unless an exchange or an option says more.
    static func queue(of call: CeleryControlCall) throws -> TaskQueue {
        let name = try call.text("queue")
        var rest = call.arguments
        rest["queue"] = nil
        for (key, value) in rest where value.isNull { rest[key] = nil }
        // The command's own default.
        if rest.count == 1, rest["exchange_type"] == "direct" { rest = [:] }
        if rest.isEmpty { return TaskQueue(name) }
        if rest["exchange"] == nil { rest["exchange"] = .string(name) }
        var options = SettingsSection(.object(rest), "add_consumer of '\(name)'")
        return try queue(name, &options, QueueTable.Defaults(), routingKey: name)
    }

    private static func defaultBinding(_ defaults: QueueTable.Defaults) -> TaskQueue.Binding {
        TaskQueue.Binding(defaults.defaultExchange, routingKey: defaults.defaultRoutingKey)
    }

    private static func queue(
        _ name: String, _ options: inout SettingsSection, _ defaults: QueueTable.Defaults, routingKey: String
    ) throws(CeleriacError) -> TaskQueue {
        if try options.flag("broadcast") == true {
            try options.finish()
            return .broadcast(name)
        }
        let durable = try options.flag("durable")
        let autoDelete = try options.flag("auto_delete")
        // What both kinds of exchange below share.
        let exchangeIsDurable = try options.flag("exchange_durable") ?? durable ?? true
        let exchangeIsAutoDeleted = try options.flag("exchange_auto_delete") ?? autoDelete ?? false
        let exchangeArguments = try options.object("exchange_arguments") ?? [:]
        let type = try options.text("exchange_type")
        var exchange = defaults.defaultExchange
        if let value = try options.take("exchange"), value != "" {
            exchange = try self.exchange(value, type: type, "the exchange of '\(name)'")
            if value.stringValue != nil {
                exchange.isDurable = exchangeIsDurable
                exchange.isAutoDeleted = exchangeIsAutoDeleted
                exchange.arguments = exchangeArguments
            }
        }
        let bindingKey = try options.text("binding_key")
        let key = try options.text("routing_key") ?? bindingKey
        var bindings = [
            TaskQueue.Binding(
                exchange, routingKey: key ?? routingKey, arguments: try options.object("binding_arguments") ?? [:])
        ]
        let others = try options.list("bindings") ?? []
        // As in kombu, a queue with bindings is bound to the default exchange beside them, and to no other.
        if !others.isEmpty { bindings[0].exchange = defaults.defaultExchange }
        for value in others {
            var section = SettingsSection(value, "a binding of '\(name)'")
            guard let value = try section.take("exchange") else { throw section.error("needs an exchange") }
            bindings.append(
                TaskQueue.Binding(
                    try self.exchange(value, type: try section.text("exchange_type"), "the exchange of a binding"),
                    routingKey: try section.text("routing_key") ?? "",
                    arguments: try section.object("arguments") ?? [:]))
            _ = try section.take("unbind_arguments")
            try section.finish()
        }
        var queue = TaskQueue(
            name, alias: try options.text("alias"), bindings: bindings,
            arguments: try options.object("queue_arguments") ?? [:],
            isDurable: try options.flag("queue_durable") ?? durable ?? true,
            isExclusive: try options.flag("exclusive") ?? false,
            isAutoDeleted: try options.flag("queue_auto_delete") ?? autoDelete ?? false,
            isDeclared: try options.flag("no_declare") != true,
            consumerArguments: try options.object("consumer_arguments") ?? [:])
        for (name, argument) in [("expires", "x-expires"), ("message_ttl", "x-message-ttl")] {
            guard let duration = try options.duration(name) else { continue }
            queue.arguments[argument] = .int(Int64(clamping: Int((duration / .milliseconds(1)).rounded(.down))))
        }
        for (name, argument) in [
            ("max_length", "x-max-length"), ("max_length_bytes", "x-max-length-bytes"),
            ("max_priority", "x-max-priority"),
        ] {
            if let count = try options.count(name) { queue.arguments[argument] = .int(Int64(count)) }
        }
        // Messages are persistent and acknowledged in any case. `inspect conf` has the name of a broadcast twice.
        for name in ["no_ack", "delivery_mode", "queue"] { _ = try options.take(name) }
        try options.finish()
        return queue
    }

    /// Reads an exchange: its name, or its options with a `name`.
    private static func exchange(
        _ value: WireValue, type: String?, _ place: String
    ) throws(CeleriacError) -> TaskQueue.Exchange {
        if let name = value.stringValue { return TaskQueue.Exchange(name, type: type ?? "direct") }
        var options = SettingsSection(value, place)
        let exchange = TaskQueue.Exchange(
            try options.text("name") ?? "", type: try options.text("type") ?? type ?? "direct",
            isDurable: try options.flag("durable") ?? true,
            isAutoDeleted: try options.flag("auto_delete") ?? false,
            arguments: try options.object("arguments") ?? [:])
        for name in ["delivery_mode", "passive", "no_declare"] { _ = try options.take(name) }
        try options.finish()
        return exchange
    }
}
