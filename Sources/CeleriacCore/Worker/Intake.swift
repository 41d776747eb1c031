import CeleriacWire

import struct FoundationEssentials.Date

/// Decides what to do with a delivery: it reads the request and finds the task's registration. It does nothing else.
struct Intake: Sendable {
    /// What the worker should do with a delivery.
    enum Decision {
        /// It is a job that may begin now, as far as the request says.
        case run(Job)
        /// It is a job that may not begin for this long.
        case wait(Job, Duration)
        /// Its time has passed.
        case expired(Job)
        /// It has been revoked.
        case revoked(Job)
        /// The worker does not know the task.
        indirect case unregistered(TaskRequest)
        /// It was begun too often without having ended.
        indirect case exhausted(TaskRequest)
        /// It cannot be run.
        case park(MessageFault)
    }

    private let dialect: any Dialect
    private let registrations: [String: TaskRegistration]
    private let revokedTasks: RevokedTasks
    private let acknowledgement: TaskOptions.Acknowledgement
    private let maximumAttempts: Int

    /// Makes an intake.
    ///
    /// - Parameters:
    ///   - dialect: reads requests.
    ///   - registrations: the tasks that the worker serves, by name.
    ///   - revokedTasks: the tasks that the worker must not run.
    ///   - acknowledgement: when a message is acknowledged if its task does not say.
    ///   - maximumAttempts: how often a task may have begun without being settled before its message is parked.
    init(
        dialect: any Dialect, registrations: [String: TaskRegistration], revokedTasks: RevokedTasks,
        acknowledgement: TaskOptions.Acknowledgement, maximumAttempts: Int
    ) {
        self.dialect = dialect
        self.registrations = registrations
        self.revokedTasks = revokedTasks
        self.acknowledgement = acknowledgement
        self.maximumAttempts = maximumAttempts
    }

    /// Reads the request of a delivery.
    func request(of delivery: Delivery) throws(MessageFault) -> TaskRequest {
        try dialect.request(of: delivery.content.get(), delivery: delivery)
    }

    func decision(on delivery: Delivery, now: Date) -> Decision {
        let request: TaskRequest
        do {
            request = try self.request(of: delivery)
        } catch {
            return .park(error)
        }
        // First, because a worker that does not know the task has no part in its attempts.
        guard let registration = registrations[request.name] else { return .unregistered(request) }
        let acknowledgement = registration.handler.options.acknowledgement ?? acknowledgement
        // From here on the job has the request, which is too large to be copied without need.
        let job = Job(
            request: request, registration: registration, receipt: delivery.receipt, body: Self.body(of: delivery),
            moves: delivery.moves, acknowledgesEarly: acknowledgement == .early)
        if let expires = job.request.expires, expires < now { return .expired(job) }
        if revokedTasks.contains(job.request, now: now) { return .revoked(job) }
        // A task that nobody wants any more ends as such, however often it was begun.
        if delivery.attempts >= maximumAttempts { return .exhausted(job.request) }
        guard let delay = job.request.eta?.timeIntervalSince(now), delay > 0 else { return .run(job) }
        return .wait(job, Duration(clampedSeconds: delay))
    }

    private static func body(of delivery: Delivery) -> [UInt8] {
        if case .success(let message) = delivery.content { message.body } else { [] }
    }
}
