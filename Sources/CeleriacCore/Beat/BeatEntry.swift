import CeleriacWire

package import struct FoundationEssentials.Date

/// A task that is sent again and again: what Celery calls an entry of the beat schedule.
public struct BeatEntry: Sendable {
    /// Decides which of several beats with the same entry sends one of its runs. A beat asks before each run.
    ///
    /// It gets the time at which the run was due and the time of the next run, by which the lock should be free again,
    /// since nobody releases it. It returns whether this beat sends the run. If it throws `unavailable`, the beat asks
    /// again until the next run is due; if it throws anything else, the beat logs the error and skips the run. A beat
    /// that has taken a run but could not send it keeps the run, and sends it without asking again.
    package typealias RunLock = @Sendable (_ due: Date, _ next: Date?) async throws -> Bool

    /// The name under which its last run is remembered; no two entries of a beat share one.
    public let name: String
    /// When the task is sent.
    public var schedule: any Schedule
    /// The name of the task that is sent.
    public let task: String
    /// How the task is sent. These options override those of its signature.
    public var options: SendOptions
    /// For how long after each sending the task may still be run; nil for no limit.
    public var expiresAfter: Duration?
    /// Decides for each run whether this beat sends it; nil for a beat that sends every run.
    let runLock: RunLock?
    /// Sends the task once, and returns its id.
    let send: @Sendable (TaskClient, SendOptions) async throws -> String

    /// Makes an entry.
    ///
    /// - Parameters:
    ///   - name: the name under which the beat remembers the last run.
    ///   - schedule: when the task is sent.
    ///   - signature: the task with its arguments.
    ///   - options: how the task is sent. These options override those of its signature.
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

    /// Makes an entry with its own function to send the task.
    ///
    /// - Parameters:
    ///   - name: the name under which the beat remembers the last run.
    ///   - schedule: when the task is sent.
    ///   - task: the name of the task, for logs.
    ///   - options: what the beat passes to `send`, with its own headers and the expiry added.
    ///   - expiresAfter: for how long after each sending the task may still be run; nil for no limit.
    ///   - runLock: decides for each run whether this beat sends it; nil for a beat that sends every run.
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
