import CeleriacWire

/// A task that is sent again and again: what Celery calls an entry of the beat schedule.
public struct BeatEntry: Sendable {
    /// The name under which its last run is remembered; no two entries have one.
    public let name: String
    /// When it is sent.
    public var schedule: any Schedule
    /// The name of the task that is sent.
    public let task: String
    /// How it is sent, over the options of its signature.
    public var options: SendOptions
    /// How long after each sending it is still to be run; nil for as long as it takes.
    public var expiresAfter: Duration?
    let send: @Sendable (Client, SendOptions) async throws -> String

    /// Makes an entry.
    ///
    /// - Parameters:
    ///   - name: the name under which its last run is remembered.
    ///   - schedule: when it is sent.
    ///   - signature: the task with its arguments.
    ///   - options: how it is sent, over the options of its signature.
    ///   - expiresAfter: how long after each sending it is still to be run.
    public init<Value>(
        _ name: String,
        _ schedule: any Schedule,
        _ signature: Signature<Value>,
        options: SendOptions = SendOptions(),
        expiresAfter: Duration? = nil
    ) {
        self.name = name
        self.schedule = schedule
        self.task = signature.task
        self.options = options
        self.expiresAfter = expiresAfter
        self.send = { client, options in try await client.send(signature, options: options).id }
    }
}
