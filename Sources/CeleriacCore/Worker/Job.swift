import Synchronization

/// A request on its way through the worker.
final class Job: Sendable {
    let request: TaskRequest
    let handler: TaskHandler
    let receipt: Receipt
    let acknowledgesEarly: Bool
    private let hasOutcome = Atomic(false)

    init(request: TaskRequest, handler: TaskHandler, receipt: Receipt, acknowledgesEarly: Bool) {
        self.request = request
        self.handler = handler
        self.receipt = receipt
        self.acknowledgesEarly = acknowledgesEarly
    }

    /// Claims the right to decide how the job ended. True for the first caller only: a handler that returns after its
    /// hard time limit comes too late.
    func claimOutcome() -> Bool {
        !hasOutcome.exchange(true, ordering: .acquiringAndReleasing)
    }
}
