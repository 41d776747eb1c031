import Synchronization

import struct FoundationEssentials.Date

/// A request on its way through the worker.
final class Job: Sendable {
    let request: TaskRequest
    let registration: TaskRegistration
    let receipt: Receipt
    let acknowledgesEarly: Bool
    private let hasOutcome = Atomic(false)
    /// Seconds since 1970 as their bit pattern; 0 while it has not begun.
    private let start = Atomic<UInt64>(0)

    init(request: TaskRequest, registration: TaskRegistration, receipt: Receipt, acknowledgesEarly: Bool) {
        self.request = request
        self.registration = registration
        self.receipt = receipt
        self.acknowledgesEarly = acknowledgesEarly
    }

    var handler: TaskHandler { registration.handler }

    /// When its handler began; nil if it has not.
    var startTime: Date? {
        let bits = start.load(ordering: .acquiring)
        return bits == 0 ? nil : Date(timeIntervalSince1970: Double(bitPattern: bits))
    }

    /// Whether its message was acknowledged when it began.
    var isAcknowledged: Bool { acknowledgesEarly && startTime != nil }

    func begin(at time: Date) {
        start.store(time.timeIntervalSince1970.bitPattern, ordering: .releasing)
        registration.countRun()
    }

    /// Claims the right to decide how the job ended. True for the first caller only: a handler that returns after its
    /// hard time limit comes too late.
    func claimOutcome() -> Bool {
        !hasOutcome.exchange(true, ordering: .acquiringAndReleasing)
    }
}
