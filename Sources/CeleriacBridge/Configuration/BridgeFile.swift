package import CeleriacCore
import CeleriacWire
import CeleryDialect
import MachineryDialect

/// A bridge as its file describes it: its sides and its routes.
package struct BridgeFile: Sendable {
    /// A route with the names of its sides.
    package struct Way: Sendable, Hashable {
        /// The route.
        package var route: BridgeRoute
        /// The side that it takes messages from.
        package var from: String
        /// The side that it puts them into.
        package var to: String
        /// Where it stands in the file, as that ends a message.
        var location: String
    }

    /// The bridge's name, which all of its processes share.
    package var name: String
    /// Whether operators may ask and steer the bridge by Celery's remote control.
    package var isControlled: Bool
    /// The sides, by their names.
    package var ends: [String: BridgeEndSettings]
    /// The routes.
    package var ways: [Way]

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - yaml: the file, in YAML.
    ///   - environment: what `${NAME}` in an address stands for.
    /// - Throws: ``CeleriacError`` with code `configuration`, which names the place.
    package init(yaml: [UInt8], environment: [String: String] = [:]) throws(CeleriacError) {
        let value: WireValue
        let places: YAMLPlaces
        do throws(WireError) {
            value = try WireYAML.decode(yaml)
            places = try YAMLPlaces(yaml)
        } catch {
            throw CeleriacError(.configuration, "the bridge's file is not YAML: \(error.message)", cause: error)
        }
        var file = SettingsSection(value, "the bridge's file", in: places)
        name = try file.text("bridge") ?? "celeriac"
        isControlled = try file.flag("control") ?? true
        let ends = try file.object("ends") ?? [:]
        let routes = try file.list("routes") ?? []
        try file.finish()
        self.ends = [:]
        for (name, value) in ends {
            let section = SettingsSection(value, "the side '\(name)'", at: [.key("ends"), .key(name)], in: places)
            self.ends[name] = try BridgeEndSettings(section, environment: environment)
        }
        ways = []
        for (index, value) in routes.enumerated() {
            let place = value["name"]?.stringValue.map { "the route '\($0)'" } ?? "route \(index + 1)"
            let section = SettingsSection(value, place, at: [.key("routes"), .index(index)], in: places)
            let way = try Self.way(section, bridge: name, self.ends) { task, rule in
                SettingsSection(
                    rule, "\(place), task '\(task)'",
                    at: [.key("routes"), .index(index), .key("tasks"), .key(task)], in: places)
            }
            ways.append(way)
            if var end = self.ends[way.from], end.kind == .machinery {
                end.amqp.prefetchCount = max(end.amqp.prefetchCount, way.route.inFlight)
                self.ends[way.from] = end
            }
        }
        try check()
    }

    private static func way(
        _ section: SettingsSection, bridge: String, _ ends: [String: BridgeEndSettings],
        row: (_ task: String, _ rule: WireValue) -> SettingsSection
    ) throws(CeleriacError) -> Way {
        var section = section
        guard let name = try section.text("name"), !name.isEmpty else { throw section.error("needs a name") }
        guard let from = try section.text("from"), let to = try section.text("to") else {
            throw section.error("needs the names of its sides: from and to")
        }
        guard let source = ends[from] else {
            throw section.error("comes from '\(from)', which is no side of the file", at: "from")
        }
        guard let target = ends[to] else {
            throw section.error("leads to '\(to)', which is no side of the file", at: "to")
        }
        var route = BridgeRoute(
            name: name, sourceQueue: try section.text("source_queue") ?? source.queue,
            targetQueue: try section.text("target_queue") ?? target.queue)
        route.bridge = bridge
        route.inFlight = try section.count("in_flight") ?? route.inFlight
        route.pending = try section.count("pending") ?? route.pending
        route.maximumBytes = try section.count("maximum_bytes")
        route.replyTimeout = try section.duration("reply_timeout") ?? route.replyTimeout
        if let rate = try section.number("rate") {
            guard let limit = RateLimit(rate) else {
                throw section.error("needs a rate above 0, in messages a second", at: "rate")
            }
            route.rate = limit
        }
        route.isPaused = try section.flag("paused") ?? false
        route.isWhole = try section.flag("whole") ?? true
        route.shadow = try shadow(&section)
        route.dropped = try names(&section, "drop")
        route.leniencies = try names(&section, "lenient")
        route.tasks.passesOthers = try section.flag("others") ?? true
        for (task, rule) in try section.object("tasks") ?? [:] {
            route.tasks.rules.append(try self.rule(task, rule, row(task, rule)))
        }
        try section.finish()
        return Way(route: route, from: from, to: to, location: section.location())
    }

    /// Where messages are copied to: a queue, or an object with a share.
    private static func shadow(_ section: inout SettingsSection) throws(CeleriacError) -> RouteShadow? {
        guard let value = try section.take("shadow") else { return nil }
        if let queue = value.stringValue { return RouteShadow(queue: queue) }
        guard let queue = value["queue"]?.stringValue, !queue.isEmpty,
            value.objectValue?.keys.allSatisfy({ ["queue", "share"].contains($0) }) == true
        else { throw section.error("needs a queue for shadow, and perhaps a share", at: "shadow") }
        let share = value["share"].map { $0.doubleValue ?? 0 } ?? 1
        guard share > 0, share <= 1 else {
            throw section.error("needs a share above 0, and 1 at most, for shadow", at: "shadow")
        }
        return RouteShadow(queue: queue, share: share)
    }

    /// A row of the table: the name at the target, or an object.
    private static func rule(
        _ task: String, _ value: WireValue, _ section: SettingsSection
    ) throws(CeleriacError) -> TaskRule {
        if value.isNull { return TaskRule(task) }
        if let name = value.stringValue { return TaskRule(task, to: name) }
        var section = section
        let rule = TaskRule(
            task, to: try section.text("to"), types: try texts(&section, "types"),
            parameters: try texts(&section, "parameters"), returns: try texts(&section, "returns"),
            hasReply: try section.flag("reply") ?? true)
        try section.finish()
        for (key, types) in [("types", rule.types), ("returns", rule.returns)] {
            for type in types ?? [] where !GoTypeName.isKnown(type) {
                throw section.error("names the type '\(type)', which Machinery does not have", at: key)
            }
        }
        return rule
    }

    private static func texts(_ section: inout SettingsSection, _ key: String) throws(CeleriacError) -> [String]? {
        guard let list = try section.list(key) else { return nil }
        let texts = list.compactMap(\.stringValue)
        guard texts.count == list.count else { throw section.error("needs a list of texts for \(key)", at: key) }
        return texts
    }

    private static func names<Name: RawRepresentable & CaseIterable & Hashable>(
        _ section: inout SettingsSection, _ key: String
    ) throws(CeleriacError) -> Set<Name> where Name.RawValue == String {
        var names: Set<Name> = []
        for text in try texts(&section, key) ?? [] {
            guard let name = Name(rawValue: text) else {
                let known = Name.allCases.map(\.rawValue).joined(separator: ", ")
                throw section.error("has '\(text)' in \(key), which knows \(known)", at: key)
            }
            names.insert(name)
        }
        return names
    }
}
