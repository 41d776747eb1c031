import ArgumentParser
import CeleriacWire

/// A command of remote control as a command line gives it: its name, and what stands behind that.
struct RemoteCommand: Sendable {
    /// Whether a command asks workers or changes them.
    enum Kind: String, Sendable {
        case inspect, control
    }

    /// How the text of an argument is read.
    enum ArgumentKind: Sendable {
        case text, integer, number, flag
    }

    let name: String
    /// The arguments in a person's words, as Celery's help has them.
    let signature: String
    /// What it does.
    let help: String
    /// The arguments by their place.
    let arguments: [(name: String, kind: ArgumentKind)]
    /// The argument that takes the rest of the line.
    let rest: String?

    private init(
        _ name: String, _ signature: String = "", _ arguments: [(name: String, kind: ArgumentKind)] = [],
        rest: String? = nil, help: String
    ) {
        self.name = name
        self.signature = signature
        self.help = help
        self.arguments = arguments
        self.rest = rest
    }

    /// Celery's commands of a kind, in alphabetical order.
    static func all(_ kind: Kind) -> [RemoteCommand] { kind == .inspect ? inspections : changes }

    /// The names of all of Celery's commands.
    static var names: [String] { (inspections + changes).map(\.name) }

    private static let inspections: [RemoteCommand] = [
        RemoteCommand("active", help: "List the tasks that run."),
        RemoteCommand("active_queues", help: "List the queues that workers serve."),
        RemoteCommand("clock", help: "Tell the logical clocks."),
        RemoteCommand(
            "conf", "[include_defaults=False]", [("with_defaults", .flag)], help: "List the settings."),
        RemoteCommand(
            "memdump", "[n_samples=10]", [("samples", .integer)],
            help: "Show what memsample has measured before (Python)."),
        RemoteCommand("memsample", help: "Measure the memory in use."),
        RemoteCommand(
            "objgraph", "[object_type=Request] [num=200 [max_depth=10]]",
            [("type", .text), ("num", .integer), ("max_depth", .integer)],
            help: "Draw what holds objects in memory (Python, with objgraph)."),
        RemoteCommand("ping", help: "Ask who is there."),
        RemoteCommand("query_task", "[id1 [id2 [... [idN]]]]", rest: "ids", help: "Find tasks by their ids."),
        RemoteCommand(
            "registered", "[attr1 [attr2 [... [attrN]]]]", rest: "taskinfoitems",
            help: "List the tasks that workers serve, with attributes such as rate_limit."),
        RemoteCommand("report", help: "Describe software and settings."),
        RemoteCommand("reserved", help: "List the tasks that wait for room to run."),
        RemoteCommand("revoked", help: "List the ids of revoked tasks."),
        RemoteCommand("scheduled", help: "List the tasks that wait for their time."),
        RemoteCommand("stats", help: "Count what ran, and describe pools, brokers and processes."),
    ]

    private static let changes: [RemoteCommand] = [
        RemoteCommand(
            "add_consumer", "<queue> [exchange [type [routing_key]]]",
            [("queue", .text), ("exchange", .text), ("exchange_type", .text), ("routing_key", .text)],
            help: "Serve one more queue."),
        RemoteCommand(
            "autoscale", "[max [min]]", [("max", .integer), ("min", .integer)],
            help: "Change the bounds of --autoscale."),
        RemoteCommand("cancel_consumer", "<queue>", [("queue", .text)], help: "Serve a queue no longer."),
        RemoteCommand("disable_events", help: "Send no events about tasks."),
        RemoteCommand("election", help: "Hold an election; only with --kwargs."),
        RemoteCommand("enable_events", help: "Send events about tasks."),
        RemoteCommand("heartbeat", help: "Send the event of a heartbeat at once."),
        RemoteCommand("pool_grow", "[N=1]", [("n", .integer)], help: "Run more tasks at once."),
        RemoteCommand("pool_restart", help: "Replace the processes (Python, with worker_pool_restarts)."),
        RemoteCommand("pool_shrink", "[N=1]", [("n", .integer)], help: "Run fewer tasks at once."),
        RemoteCommand(
            "rate_limit", "<task_name> <rate_limit (e.g., 5/s | 5/m | 5/h)>",
            [("task_name", .text), ("rate_limit", .text)], help: "Change how often a task begins."),
        RemoteCommand("revoke", "[id1 [id2 [... [idN]]]]", rest: "task_id", help: "Drop tasks by their ids."),
        RemoteCommand(
            "revoke_by_stamped_headers", "[key1=value1 [key2=value2 [... [keyN=valueN]]]]", rest: "headers",
            help: "Drop tasks by their stamps."),
        RemoteCommand("shutdown", help: "End the workers gracefully."),
        RemoteCommand(
            "terminate", "<signal> [id1 [id2 [... [idN]]]]", [("signal", .text)], rest: "task_id",
            help: "Drop tasks, and end those that run."),
        RemoteCommand(
            "time_limit", "<task_name> <soft_secs> [hard_secs]",
            [("task_name", .text), ("soft", .number), ("hard", .number)], help: "Change how long a task may run."),
    ]
}

extension RemoteCommand {
    /// The arguments of a request, read from the words behind the command's name.
    ///
    /// - Throws: `ValidationError` for a word too many, and for one that is not what it should be.
    func requestArguments(_ words: [String]) throws -> WireObject {
        var object: WireObject = [:]
        for (argument, word) in zip(arguments, words) {
            guard let value = argument.kind.read(word) else {
                throw ValidationError("\(name): '\(word)' is no \(argument.name) (\(argument.kind.words)): \(usage)")
            }
            object[argument.name] = value
        }
        let rest = words.dropFirst(arguments.count)
        if let name = self.rest {
            object[name] = .array(rest.map { .string($0) })
        } else if !rest.isEmpty {
            let known = signature.isEmpty ? "no arguments" : "these arguments: \(signature)"
            throw ValidationError("\(name) takes \(known)")
        }
        return object
    }

    private var usage: String { signature.isEmpty ? name : "\(name) \(signature)" }

    /// The lines of a list of commands.
    static func list(_ kind: Kind) -> [String] {
        TextTable(["COMMAND", "WHAT IT DOES"], all(kind).map { [$0.usage, $0.help] }, empty: "").lines
    }

    /// The request that a command line asks for.
    ///
    /// - Parameters:
    ///   - kind: whether it asks or changes.
    ///   - name: the command.
    ///   - words: what follows it.
    ///   - keywords: JSON, the arguments of a command that is not Celery's, or further arguments of one that is.
    /// - Returns: the arguments by their names.
    /// - Throws: `ValidationError` that says what there is.
    static func arguments(_ kind: Kind, _ name: String, _ words: [String], keywords: String?) throws -> WireObject {
        let further = try keywords.map { try JSONArgument.object($0) }
        guard let command = all(kind).first(where: { $0.name == name }) else {
            guard let further, words.isEmpty else {
                throw ValidationError(
                    "Command \(name) not recognized. Available \(kind.rawValue) commands: "
                        + all(kind).map(\.name).joined(separator: ", ")
                        + ". A command of your own workers takes its arguments as JSON: --kwargs '{}'.")
            }
            return further
        }
        var object = try command.requestArguments(words)
        if let further { object.merge(further) { $1 } }
        return object
    }
}

extension RemoteCommand.ArgumentKind {
    /// What should stand there, for a person.
    fileprivate var words: String {
        switch self {
        case .text: "text"
        case .integer: "a whole number"
        case .number: "a number"
        case .flag: "true or false"
        }
    }

    /// Celery's words for flags.
    private static let flags = [
        "true": true, "yes": true, "1": true, "on": true, "false": false, "no": false, "0": false, "off": false,
    ]

    /// Reads a word; nil if it is not of this kind.
    fileprivate func read(_ word: String) -> WireValue? {
        switch self {
        case .text: return .string(word)
        case .integer:
            guard let number = Int64(word) else { return nil }
            return .int(number)
        case .number:
            guard let number = Double(word), number.isFinite else { return nil }
            return .double(number)
        case .flag:
            guard let flag = Self.flags[word.lowercased()] else { return nil }
            return .bool(flag)
        }
    }
}
