import Synchronization

import struct FoundationEssentials.Date

/// A request on its way through the worker.
final class Job: Sendable {
    let request: TaskRequest
    let registration: TaskRegistration
    let receipt: Receipt
    let acknowledgesEarly: Bool
    private let outcomeIsClaimed = Atomic(false)
    /// Seconds since 1970 as their bit pattern; 0 while the handler has not begun.
    private let start = Atomic<UInt64>(0)

    init(request: TaskRequest, registration: TaskRegistration, receipt: Receipt, acknowledgesEarly: Bool) {
        self.request = request
        self.registration = registration
        self.receipt = receipt
        self.acknowledgesEarly = acknowledgesEarly
    }

    var handler: TaskHandler { registration.handler }

    /// When the handler began; nil if it has not.
    var startTime: Date? {
        let bits = start.load(ordering: .acquiring)
        return bits == 0 ? nil : Date(timeIntervalSince1970: Double(bitPattern: bits))
    }

    /// Whether the message was acknowledged when the handler began.
    var isAcknowledged: Bool { acknowledgesEarly && startTime != nil }

    /// Whether the sender and the task want results to be stored. The sender takes precedence.
    var storesResult: Bool { !(request.ignoresResult ?? handler.options.ignoresResult ?? false) }

    /// Whether it is decided how the job ended.
    var hasOutcome: Bool { outcomeIsClaimed.load(ordering: .acquiring) }

    func begin(at time: Date) {
        start.store(time.timeIntervalSince1970.bitPattern, ordering: .releasing)
        registration.countRun()
    }

    /// Claims the right to decide how the job ended. Only the first caller gets it, so that a handler which returns
    /// after its hard time limit is too late.
    func claimOutcome() -> Bool {
        !outcomeIsClaimed.exchange(true, ordering: .acquiringAndReleasing)
    }
}
