package import CeleriacCore

/// What a consumer knows of its claims: which it holds, how those ended that the broker has not heard of, and which may
/// stand although their answer never came.
///
/// A claim has a serial, a number that is never given twice. The consumer reserves serials *before* it asks the broker, so
/// that claims whose answer is lost can be found again by them.
package struct ClaimLedger<Claim: Sendable, Source: Sendable>: Sendable {
    /// One attempt to claim messages.
    package struct Attempt: Sendable {
        /// What the claims are called that it makes, ascending; it may make fewer.
        package let serials: Range<UInt64>
        /// Where it takes messages from, and what else its owner must know of it.
        package let source: Source
    }

    private var nextSerial: UInt64 = 1
    private var held: [UInt64: Claim] = [:]
    private var endings: [UInt64: Settlement.Disposition] = [:]
    private var doubtful: [Attempt] = []

    /// Creates an empty ledger.
    package init() {}

    // MARK: Claiming

    /// Reserves serials for an attempt to claim `count` messages. The attempt is in doubt until it is concluded.
    ///
    /// - Parameter source: where the attempt takes messages from, given its serials.
    package mutating func begin(_ count: Int, from source: (Range<UInt64>) -> Source) -> Attempt {
        let first = nextSerial
        nextSerial += UInt64(max(0, count))
        let attempt = Attempt(serials: first..<nextSerial, source: source(first..<nextSerial))
        doubtful.append(attempt)
        return attempt
    }

    /// Enters the claims that an attempt made. They are held from now on.
    package mutating func conclude(_ attempt: Attempt, with claims: some Sequence<(serial: UInt64, claim: Claim)>) {
        doubtful.removeAll { $0.serials == attempt.serials }
        for (serial, claim) in claims { held[serial] = claim }
    }

    /// The oldest attempt whose answer did not arrive.
    package var oldestDoubt: Attempt? { doubtful.first }

    /// Holds a claim that stands already, under a new serial.
    package mutating func hold(_ claim: Claim) -> UInt64 {
        defer { nextSerial += 1 }
        held[nextSerial] = claim
        return nextSerial
    }

    // MARK: Holding

    /// A claim that is held; nil once it has ended. Setting it changes the claim, if it is held.
    package subscript(serial: UInt64) -> Claim? {
        get { held[serial] }
        set { if held[serial] != nil { held[serial] = newValue } }
    }

    /// How many claims are held.
    package var count: Int { held.count }

    /// All claims that are held, in no order.
    package var claims: some Collection<(key: UInt64, value: Claim)> { held }

    // MARK: Ending

    /// Notes how held claims end, before the broker is told: from now on they are never given back.
    package mutating func note(_ settlements: [Settlement]) {
        for settlement in settlements where held[settlement.receipt.tag] != nil {
            endings[settlement.receipt.tag] = settlement.disposition
        }
    }

    /// Held claims and how they end, of those serials of which it was noted.
    package func noted(_ serials: [UInt64]) -> [(serial: UInt64, claim: Claim, ending: Settlement.Disposition)] {
        serials.compactMap { serial in
            guard let claim = held[serial], let ending = endings[serial] else { return nil }
            return (serial, claim, ending)
        }
    }

    /// Serials of claims that ended and of whose end the broker has not heard, ascending.
    package var unsettled: [UInt64] { endings.keys.sorted() }

    /// Serials of claims that are held and have not ended, ascending.
    package var unended: [UInt64] { held.keys.filter { endings[$0] == nil }.sorted() }

    /// Forgets claims: the broker has carried out how they ended.
    package mutating func forget(_ serials: some Sequence<UInt64>) {
        for serial in serials {
            held[serial] = nil
            endings[serial] = nil
        }
    }
}
