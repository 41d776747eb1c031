import FoundationEssentials
import Testing

@testable import CeleriacCore

@Suite("Endings") struct EndingsTests {
    private let start = Date(timeIntervalSince1970: 0)

    private func message(_ id: String, size: Int = 1) -> MessageIdentity {
        MessageIdentity(id: id, retries: 0, body: [UInt8](repeating: 0, count: size))
    }

    private func receipt(_ generation: UInt64) -> Receipt { Receipt(generation: generation, tag: 1) }

    /// Adds endings, and looks for them with a delivery of the next generation.
    private func found(
        _ messages: [MessageIdentity], isLost: Bool, after seconds: Double = 0
    ) -> [String] {
        var endings = Endings()
        for message in messages {
            endings.add(message, .acknowledge, receipt: receipt(1), isLost: isLost, now: start)
        }
        return messages.filter {
            endings.takeOver($0, by: receipt(2), now: start.addingTimeInterval(seconds)) != nil
        }.map(\.id)
    }

    @Test("are kept for minutes if they may have arrived, and for an hour if they have not")
    func deadlines() {
        #expect(found([message("a")], isLost: false, after: 299) == ["a"])
        #expect(found([message("a")], isLost: false, after: 301) == [])
        #expect(found([message("a")], isLost: true, after: 3599) == ["a"])
        #expect(found([message("a")], isLost: true, after: 3601) == [])
    }

    @Test("are the latest of a bounded number and size", arguments: [true, false])
    func bounds(isLost: Bool) {
        let many = (0..<Endings.maximumCount + 2).map { message("\($0)") }
        #expect(found(many, isLost: isLost) == many.dropFirst(2).map(\.id))
        let large = (0..<5).map { message("\($0)", size: Endings.maximumBytes / 3) }
        #expect(found(large, isLost: isLost) == ["2", "3", "4"])
    }

    @Test("of an earlier generation are doubtful, whenever they are added")
    func late() {
        var endings = Endings()
        endings.add(message("new"), .reject, receipt: receipt(2), isLost: false, now: start)
        endings.add(message("old"), .acknowledge, receipt: receipt(1), isLost: false, now: start)
        #expect(endings.takeOver(message("new"), by: receipt(2), now: start) == nil)
        #expect(endings.takeOver(message("old"), by: receipt(2), now: start) == .ending(.acknowledge))
        #expect(endings.takeOver(message("new"), by: receipt(3), now: start) == .ending(.reject))
    }

    @Test("that are found make room, so that many losses fill nothing")
    func manyLosses() {
        var endings = Endings()
        for generation in 1...UInt64(2 * Endings.maximumCount) {
            let id = message("\(generation % 3)", size: Endings.maximumBytes / 2)
            endings.add(id, .acknowledge, receipt: receipt(generation), isLost: true, now: start)
            #expect(endings.takeOver(id, by: receipt(generation + 1), now: start) == .ending(.acknowledge))
        }
    }
}
