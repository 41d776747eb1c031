import CeleriacCore
import CeleriacQueues
import Testing

@Suite("A consumer's claims")
struct ClaimLedgerTests {
    private typealias Ledger = ClaimLedger<String, String>

    private func settlement(_ serial: UInt64, _ disposition: Settlement.Disposition) -> Settlement {
        Settlement(Receipt(generation: 0, tag: serial), disposition)
    }

    private func claims(_ claims: KeyValuePairs<UInt64, String>) -> [(serial: UInt64, claim: String)] {
        claims.map { (serial: $0.key, claim: $0.value) }
    }

    @Test("never reuse serials, whatever an attempt did with them")
    func serials() {
        var ledger = Ledger()
        let first = ledger.begin(10) { _ in "a" }
        ledger.conclude(first, with: claims([:]))
        let second = ledger.begin(3) { "from \($0.lowerBound)" }
        #expect(first.serials == 1..<11 && second.serials == 11..<14 && second.source == "from 11")
        #expect(ledger.hold("x") == 14 && ledger.hold("y") == 15)
        #expect(ledger.begin(0) { _ in "" }.serials.isEmpty)
    }

    @Test("keep an attempt in doubt until it is concluded, the oldest one first")
    func doubt() {
        var ledger = Ledger()
        #expect(ledger.oldestDoubt == nil)
        let first = ledger.begin(2) { _ in "a" }
        let second = ledger.begin(2) { _ in "b" }
        #expect(ledger.oldestDoubt?.source == "a")
        ledger.conclude(first, with: claims([2: "found"]))
        #expect(ledger.oldestDoubt?.source == "b" && ledger[2] == "found" && ledger[1] == nil)
        ledger.conclude(second, with: claims([:]))
        #expect(ledger.oldestDoubt == nil && ledger.count == 1)
    }

    @Test("are not given back once they have ended, even if the broker has not heard of it")
    func endings() {
        var ledger = Ledger()
        ledger.conclude(ledger.begin(4) { _ in "" }, with: claims([4: "d", 1: "a", 3: "c", 2: "b"]))
        ledger.note([settlement(3, .acknowledge), settlement(1, .requeue), settlement(9, .acknowledge)])
        #expect(ledger.unsettled == [1, 3] && ledger.unended == [2, 4])
        #expect(ledger.noted([3, 2, 9, 1]).map(\.claim) == ["c", "a"])
        #expect(ledger.unended(among: [4, 3, 2, 9, 1]).map(\.claim) == ["d", "b"])
        guard case .requeue? = ledger.noted([1]).first?.ending else {
            Issue.record("the ending of the claim should be a requeue")
            return
        }
        ledger.forget([1, 3])
        #expect(ledger.unsettled.isEmpty && ledger.unended == [2, 4] && ledger[1] == nil)
    }

    @Test("are not revived by a change once they have ended")
    func changes() {
        var ledger = Ledger()
        let serial = ledger.hold("a")
        ledger[serial]? += "!"
        #expect(ledger[serial] == "a!" && ledger.claims.map(\.value) == ["a!"])
        ledger.forget([serial])
        ledger[serial] = "again"
        #expect(ledger[serial] == nil && ledger.count == 0)
        ledger.note([settlement(serial, .acknowledge)])
        #expect(ledger.unsettled.isEmpty)
    }

    @Test("may be forgotten and held again under their serials, and then end like any other")
    func heldAgain() {
        var ledger = Ledger()
        let serial = ledger.hold("a")
        ledger.forget([serial])
        ledger.hold("b", as: serial)
        #expect(ledger[serial] == "b" && ledger.hold("c") == serial + 1)
        ledger.note([settlement(serial, .acknowledge)])
        #expect(ledger.unsettled == [serial] && ledger.unended == [serial + 1])
    }
}
