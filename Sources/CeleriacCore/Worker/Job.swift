import Synchronization

import struct FoundationEssentials.Date

/// A request on its way through the worker.
final class Job: Sendable {
    let request: TaskRequest
    let registration: TaskRegistration
    let acknowledgesEarly: Bool
    /// The body of the message.
    private let body: [UInt8]
    /// How often the message was moved to wait for its time.
    private let moves: Int
    private let hold: Mutex<Hold>
    /// The job's place in the table of held jobs; -1 for none.
    private let place = Atomic(-1)
    private let outcomeIsClaimed = Atomic(false)
    /// Seconds since 1970 as their bit pattern; 0 while the handler has not begun.
    private let start = Atomic<UInt64>(0)

    init(
        request: TaskRequest, registration: TaskRegistration, receipt: Receipt, body: [UInt8] = [],
        moves: Int = 0, acknowledgesEarly: Bool
    ) {
        self.request = request
        self.registration = registration
        self.body = body
        self.moves = moves
        self.hold = Mutex(Hold(receipt: receipt))
        self.acknowledgesEarly = acknowledgesEarly
    }

    var handler: TaskHandler { registration.handler }

    /// How many bytes the body of the message has.
    var bodySize: Int { body.count }

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

/// A job's hold on its message. A redelivery may take the message over at any time until it is settled.
extension Job {
    private struct Hold {
        var receipt: Receipt
        /// Whether the broker may have a copy of the message, although this job waits for the time of its task.
        var mayHaveCopy = false
        var ending: Settlement.Disposition?
        /// Whether the message was lost when it was settled.
        var wasLost = false
        var isDropped = false
        var isTakenOver = false
        var answers: [ResultRecord] = []
    }

    /// What of a job is left when its message is settled.
    struct Ending {
        let disposition: Settlement.Disposition
        /// The receipt with which the message was settled.
        let receipt: Receipt
        /// Whether that receipt was lost.
        let wasLost: Bool
        /// Whether the broker has delivered the message more than once.
        let isTakenOver: Bool
        /// The results that were sent to the caller, if the store keeps none.
        let answers: [ResultRecord]
    }

    /// The message, as a redelivery would show it.
    var message: MessageIdentity {
        MessageIdentity(id: request.id, retries: request.retries, body: body, moves: moves)
    }

    /// The receipt of the message's latest delivery.
    var receipt: Receipt { hold.withLock { $0.receipt } }

    /// Whether the message was delivered more than once.
    var isRedelivered: Bool { request.redelivered || hold.withLock { $0.isTakenOver } }

    /// How the message was settled; nil before it is settled.
    var ending: Ending? {
        hold.withLock { hold in
            hold.ending.map {
                Ending(
                    disposition: $0, receipt: hold.receipt, wasLost: hold.wasLost, isTakenOver: hold.isTakenOver,
                    answers: hold.answers)
            }
        }
    }

    /// Remembers results that the store does not keep.
    func keep(_ answers: [ResultRecord]) { hold.withLock { $0.answers = answers } }

    /// Whether the message is still held. If not, the job is dropped, and nothing takes it over any more.
    func keep(isHeld: (Receipt) -> Bool) -> Bool {
        hold.withLock { hold in
            if !hold.isDropped { hold.isDropped = !isHeld(hold.receipt) }
            return !hold.isDropped
        }
    }

    /// Notes that the broker may have a copy of the message, which the worker could not confirm.
    func mayHaveCopy() { hold.withLock { $0.mayHaveCopy = true } }

    /// Whether a message is that copy, and of no use: this job runs, unless it was dropped or is to go back.
    func outdoes(_ message: MessageIdentity) -> Bool {
        var copy = self.message
        copy.moves += 1
        return copy == message
            && hold.withLock { $0.mayHaveCopy && !$0.isDropped && $0.ending != .requeue }
    }

    /// Decides how the message is settled, as the latest delivery.
    ///
    /// - Returns: the receipt to settle.
    func settle(as disposition: Settlement.Disposition, isHeld: (Receipt) -> Bool) -> Receipt {
        hold.withLock { hold in
            hold.ending = disposition
            hold.wasLost = !isHeld(hold.receipt)
            return hold.receipt
        }
    }

    /// Takes a redelivery's receipt in place of the job's own.
    ///
    /// - Returns: what the redelivery takes over; nil if the message is to run again.
    func takeOver(by receipt: Receipt) -> HeldTasks.Takeover? {
        hold.withLock { hold in
            guard !hold.isDropped, hold.ending != .requeue else { return nil }
            hold.receipt = receipt
            hold.isTakenOver = true
            guard let ending = hold.ending else { return .task }
            // Whoever takes it over settles it once more, with the new receipt.
            hold.wasLost = false
            return .ending(ending, answers: hold.answers)
        }
    }

    func setPlace(_ number: Int) { place.store(number, ordering: .relaxed) }

    /// The job's place in the table, which it gives up.
    func takePlace() -> Int? {
        let number = place.exchange(-1, ordering: .relaxed)
        return number < 0 ? nil : number
    }
}
