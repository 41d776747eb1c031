import CeleriacWire

package import struct FoundationEssentials.Date

/// A task that is sent again and again: what Celery calls an entry of the beat schedule.
public struct BeatEntry: Sendable {
    /// Decides which of several beats with the same entry sends one of its runs. A beat asks before each run.
    ///
    /// It gets the time at which the run was due, and the time of the next one, by which it should be free again: nobody
    /// gives it back. It returns whether this beat sends the run. If it throws `unavailable`, the beat asks again until the
    /// next run is due; if it throws anything else, the beat logs that and leaves out the run. A run that this beat has
    /// taken but could not send is still its own: the beat sends it without asking again.
    package typealias RunLock = @Sendable (_ due: Date, _ next: Date?) async throws -> Bool

    /// The name under which its last run is remembered; no two entries of a beat share one.
    public let name: String
    /// When it is sent.
    public var schedule: any Schedule
    /// The name of the task that is sent.
    public let task: String
    /// How it is sent. These options override those of its signature.
    public var options: SendOptions
    /// For how long after each sending the task may still be run; nil for no limit.
    public var expiresAfter: Duration?
    /// Decides for each run whether this beat sends it; nil if it sends them all.
    let runLock: RunLock?
    /// Sends the task once, and returns its id.
    let send: @Sendable (TaskClient, SendOptions) async throws -> String

    /// Makes an entry.
    ///
    /// - Parameters:
    ///   - name: the name under which its last run is remembered.
    ///   - schedule: when it is sent.
    ///   - signature: the task with its arguments.
    ///   - options: how it is sent. These options override those of its signature.
    ///   - expiresAfter: for how long after each sending the task may still be run; nil for no limit.
    public init<Value>(
        _ name: String,
        _ schedule: any Schedule,
        _ signature: Signature<Value>,
        options: SendOptions = SendOptions(),
        expiresAfter: Duration? = nil
    ) {
        self.init(name, schedule, task: signature.task, options: options, expiresAfter: expiresAfter) {
            client, options in try await client.send(signature, options: options).id
        }
    }

    /// Makes an entry that is sent in a manner of its own.
    ///
    /// - Parameters:
    ///   - runLock: decides for each run whether this beat sends it; nil if it sends them all.
    ///   - send: sends the task once, and returns its id.
    package init(
        _ name: String, _ schedule: any Schedule, task: String, options: SendOptions = SendOptions(),
        expiresAfter: Duration? = nil, runLock: RunLock? = nil,
        send: @escaping @Sendable (TaskClient, SendOptions) async throws -> String
    ) {
        self.name = name
        self.schedule = schedule
        self.task = task
        self.options = options
        self.expiresAfter = expiresAfter
        self.runLock = runLock
        self.send = send
    }
}
