public import CeleriacCore
public import CeleriacWire
import CeleryWire

/// A remote control command: what a worker does when a client broadcasts the command's name.
///
/// ```swift
/// CeleryControlCommand("free_space") { call in .object(["ok": .int(freeBytes(in: call.text("folder")))]) }
/// ```
///
/// The worker replies with what the command returns. If the command throws, the reply is
/// `{"error": "<the exception as Python shows it>"}`; throw a ``TaskFailure`` to choose the exception's class. A worker
/// carries out one command after the other, so a slow command keeps the others waiting.
public struct CeleryControlCommand: Sendable {
    /// The command's name.
    public let name: String
    /// Other names under which it can be called.
    public let aliases: [String]
    let run: @Sendable (CeleryControlCall) async throws -> WireValue

    /// Creates a command.
    ///
    /// - Parameters:
    ///   - name: The command's name. A command with the name of a built-in one replaces it.
    ///   - aliases: Other names under which it can be called.
    ///   - run: What the worker does.
    public init(
        _ name: String, aliases: [String] = [], run: @escaping @Sendable (CeleryControlCall) async throws -> WireValue
    ) {
        self.name = name
        self.aliases = aliases
        self.run = run
    }

    /// The commands that Celery's own workers have.
    static let builtIn = inspections + taskCommands + workerCommands

    /// Makes the reply of a command that succeeded.
    static func ok(_ text: String) -> WireValue { ["ok": .string(text)] }

    /// Makes the reply of a command that failed.
    static func refused(_ text: String) -> WireValue { ["error": .string(text)] }
}

/// A call of a remote control command.
public struct CeleryControlCall: Sendable {
    /// The worker that got the call.
    public let worker: WorkerControl
    /// The arguments, by name.
    public let arguments: WireObject
    /// The name by which the command was called.
    let method: String
    let control: CeleryRemoteControl

    /// An argument; nil if it is missing or null.
    public subscript(name: String) -> WireValue? {
        guard let value = arguments[name], !value.isNull else { return nil }
        return value
    }

    /// Returns a required argument.
    ///
    /// - Throws: A ``TaskFailure`` `TypeError` if it is missing.
    public func required(_ name: String) throws -> WireValue {
        guard let value = arguments[name] else {
            throw TaskFailure("TypeError", "\(method)() missing 1 required positional argument: '\(name)'")
        }
        return value
    }

    /// Returns a required argument that is text.
    ///
    /// - Throws: A ``TaskFailure`` `TypeError` if it is missing or not text.
    public func text(_ name: String) throws -> String {
        guard let text = try required(name).stringValue else {
            throw TaskFailure("TypeError", "\(method)() argument '\(name)' must be str")
        }
        return text
    }

    /// Returns an argument that is a whole number of 32 bits; `value` if it is missing or null.
    ///
    /// - Throws: A ``TaskFailure`` `TypeError` if it is anything else.
    func number(_ name: String, default value: Int) throws -> Int { try number(name) ?? value }

    /// Returns an argument that is a whole number of 32 bits; nil if it is missing or null.
    ///
    /// - Throws: A ``TaskFailure`` `TypeError` if it is anything else.
    func number(_ name: String) throws -> Int? {
        guard let argument = self[name] else { return nil }
        guard let number = argument.intValue, Int32(exactly: number) != nil else {
            throw TaskFailure("TypeError", "\(method)() argument '\(name)' must be a small int")
        }
        return number
    }

    /// Returns an argument that is text or a list of texts.
    func texts(_ name: String) throws -> [String] {
        switch try required(name) {
        case .string(let text): return [text]
        case .null: return []
        case .array(let values):
            return try values.map { value in
                guard let text = value.stringValue else {
                    throw TaskFailure("TypeError", "\(method)() argument '\(name)' must be a list of str")
                }
                return text
            }
        default: throw TaskFailure("TypeError", "\(method)() argument '\(name)' must be str or a list of str")
        }
    }
}

/// How a worker takes part in remote control and events, and how its clients reach it.
public struct CeleryControlConfiguration: Sendable {
    /// Whether the worker takes remote control commands: `worker_enable_remote_control`.
    public var isEnabled: Bool
    /// The names of the commands that the worker carries out; nil for all. It answers other commands as if it did not
    /// know them. Every program that can publish at the broker can send commands, so a worker that shares its broker
    /// with less trusted programs may want to allow only `ping` and the inspections.
    public var allowedCommands: Set<String>?
    /// The application's own commands. One with the name of a built-in command replaces it.
    public var commands: [CeleryControlCommand]
    /// The beginning of the names of the control exchanges: `control_exchange`.
    public var namespace: String
    /// Whether the worker sends events about tasks from the start: `worker_send_task_events`. The commands
    /// `enable_events` and `disable_events` change it.
    public var sendsTaskEvents: Bool
    /// The time between heartbeats. With nil the worker sends none, and does not announce its start and stop either.
    public var heartbeatInterval: Duration?
    /// Whether a worker that starts asks others which tasks were revoked, as Celery's do unless they are started
    /// `--without-mingle`. It runs no task before they have answered, or a second is over. It asks on Redis and RabbitMQ,
    /// where it takes the command `hello` itself.
    public var mingles = true
    /// For how long a broker keeps a request or a reply that nobody takes; nil for ever: `control_queue_ttl`.
    public var queueTTL: Duration? = .seconds(300)
    /// For how long a broker keeps a queue of requests or replies that nobody uses; nil for ever:
    /// `control_queue_expires`.
    public var queueExpiry: Duration? = .seconds(10)
    /// Whether RabbitMQ lets only the connection that declares such a queue use it: `control_queue_exclusive`.
    public var isQueueExclusive = true
    /// Whether such a queue survives a restart of RabbitMQ: `control_queue_durable`. It cannot be exclusive then.
    public var isQueueDurable = false
    /// The exchange of events: `event_exchange`.
    package var eventExchange = CeleryEvent.exchange
    /// The queues of those who hear events: `event_queue_…`. Their names begin with its name.
    package var eventQueue = EventQueue(name: "celeryev")

    /// Creates a configuration, with Celery's defaults.
    public init(
        isEnabled: Bool = true,
        allowedCommands: Set<String>? = nil,
        commands: [CeleryControlCommand] = [],
        namespace: String = "celery",
        sendsTaskEvents: Bool = false,
        heartbeatInterval: Duration? = .seconds(2)
    ) {
        self.isEnabled = isEnabled
        self.allowedCommands = allowedCommands
        self.commands = commands
        self.namespace = namespace
        self.sendsTaskEvents = sendsTaskEvents
        self.heartbeatInterval = heartbeatInterval
    }
}
