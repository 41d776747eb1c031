/// Remote control and events of a worker.
public struct CeleryControlConfiguration: Sendable {
    /// Whether the worker takes remote control commands: `worker_enable_remote_control`.
    public var isEnabled: Bool
    /// The commands that it carries out, by name; nil for all. Others are answered as unknown ones. Whoever can publish
    /// at the broker can send commands: a worker whose broker is shared with less trusted programs may want to allow
    /// `ping` and the inspections only.
    public var allowedCommands: Set<String>?
    /// Commands of your own; one with the name of a built-in command takes its place.
    public var commands: [CeleryControlCommand]
    /// What the names of the control exchanges begin with: `control_exchange`.
    public var namespace: String
    /// Whether events about tasks are sent from the start: `worker_send_task_events`. The commands `enable_events` and
    /// `disable_events` change it.
    public var sendsTaskEvents: Bool
    /// How often the worker tells that it lives; nil for never, and then it does not tell its start and stop either.
    public var heartbeatInterval: Duration?

    /// Makes a configuration, by default Celery's own.
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
