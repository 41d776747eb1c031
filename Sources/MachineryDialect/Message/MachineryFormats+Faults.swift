package import CeleriacCore

extension MachineryFormats {
    /// The failure for a fault. Only its text reaches Go: its single argument, or else its type.
    package func failure(for fault: TaskFault) -> TaskFailure {
        switch fault {
        case .thrown(let error, _, _):
            TaskFailure(error)
        case .softTimeLimit:
            TaskFailure("error", "SoftTimeLimitExceeded")
        case .retriesExhausted(let task, let id, let retries):
            TaskFailure("error", "Can't retry \(task)[\(id)]: retried \(retries) times")
        case .retryWithoutCause(let delay):
            TaskFailure("error", "Retry in \(delay.seconds)s")
        case .notRegistered(let name):
            TaskFailure("error", name)
        case .badCall(let text):
            TaskFailure("error", text)
        case .notEncodable(let error):
            TaskFailure("error", error.description)
        case .attemptsExhausted(let attempts):
            TaskFailure("error", "the task was begun \(attempts) times without ending, and its message is parked")
        case .interrupted:
            TaskFailure("error", "the worker stopped while the task ran, whose message was acknowledged when it began")
        case .unrunnable(let fault):
            TaskFailure("error", "the message cannot be run and is parked: \(fault)")
        case .followUpRefused(let error):
            TaskFailure("error", "what follows from the task could not be carried out: \(error)")
        }
    }

    /// Three retries, 180 seconds apart, for handlers that ask for a retry without a delay of their own.
    package var retryPolicy: RetryPolicy { RetryPolicy(maximumRetries: 3, delay: .fixed(.seconds(180))) }
}
