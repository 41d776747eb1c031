package import CeleriacCore

/// What a consumer knows of its claims: which ones it holds, which ones have ended in a way that the broker has not
/// heard of, and which ones the broker may have made although its answer never arrived.
///
/// A claim has a serial, a number that is never used twice. The consumer reserves serials *before* it asks the broker,
/// so that it can find claims again whose answer was lost.
package struct ClaimLedger<Claim: Sendable, Source: Sendable>: Sendable {
    /// One attempt to claim messages.
    package struct Attempt: Sendable {
        /// The serials of the claims that the attempt makes, ascending. It may make fewer.
        package let serials: Range<UInt64>
        /// Where the attempt takes messages from, and whatever else its owner must know about it.
        package let source: Source
    }

    private var nextSerial: UInt64 = 1
    private var held: [UInt64: Claim] = [:]
    private var endings: [UInt64: Settlement.Disposition] = [:]
    private var doubtful: [Attempt] = []

    /// Creates an empty ledger.
    package init() {}

    // MARK: Claiming

    /// Reserves serials for an attempt to claim `count` messages from a source, which `source` makes from the serials.
    /// The attempt is in doubt until it is concluded.
    package mutating func begin(_ count: Int, from source: (Range<UInt64>) -> Source) -> Attempt {
        let first = nextSerial
        nextSerial += UInt64(max(0, count))
        let attempt = Attempt(serials: first..<nextSerial, source: source(first..<nextSerial))
        doubtful.append(attempt)
        return attempt
    }

    /// Records the claims that an attempt made. They are held from now on.
    package mutating func conclude(_ attempt: Attempt, with claims: some Sequence<(serial: UInt64, claim: Claim)>) {
        doubtful.removeAll { $0.serials == attempt.serials }
        for (serial, claim) in claims { held[serial] = claim }
    }

    /// The oldest attempt whose answer has not arrived.
    package var oldestDoubt: Attempt? { doubtful.first }

    /// Holds an existing claim under a new serial.
    package mutating func hold(_ claim: Claim) -> UInt64 {
        defer { nextSerial += 1 }
        held[nextSerial] = claim
        return nextSerial
    }

    /// Holds a claim again under the serial that it had before it was forgotten.
    package mutating func hold(_ claim: Claim, as serial: UInt64) { held[serial] = claim }

    // MARK: Holding

    /// A held claim; nil once it has ended. Setting it changes the claim if it is held.
    package subscript(serial: UInt64) -> Claim? {
        get { held[serial] }
        set { if held.index(forKey: serial) != nil { held[serial] = newValue } }
    }

    /// How many claims are held.
    package var count: Int { held.count }

    /// All held claims, in no particular order.
    package var claims: some Collection<(key: UInt64, value: Claim)> { held }

    // MARK: Ending

    /// Records how held claims end, before the broker is told. From now on these claims are never given back.
    package mutating func note(_ settlements: [Settlement]) {
        // The index says it without a copy of the claim.
        for settlement in settlements where held.index(forKey: settlement.receipt.tag) != nil {
            endings[settlement.receipt.tag] = settlement.disposition
        }
    }

    /// Those held claims among the serials whose ending is recorded, with that ending.
    package func noted(_ serials: [UInt64]) -> [(serial: UInt64, claim: Claim, ending: Settlement.Disposition)] {
        serials.compactMap { serial in
            guard let claim = held[serial], let ending = endings[serial] else { return nil }
            return (serial, claim, ending)
        }
    }

    /// The serials of claims that have ended without the broker having heard of it, ascending.
    package var unsettled: [UInt64] { endings.keys.sorted() }

    /// The serials of claims that are held and have not ended, ascending.
    package var unended: [UInt64] { held.keys.filter { endings[$0] == nil }.sorted() }

    /// Those held claims among the serials that have not ended, and so may be given back, in the order of the serials.
    package func unended(among serials: some Sequence<UInt64>) -> [(serial: UInt64, claim: Claim)] {
        serials.compactMap { serial in
            guard endings[serial] == nil, let claim = held[serial] else { return nil }
            return (serial, claim)
        }
    }

    /// Forgets claims, because the broker has carried out their endings.
    package mutating func forget(_ serials: some Sequence<UInt64>) {
        for serial in serials {
            held[serial] = nil
            endings[serial] = nil
        }
    }
}
