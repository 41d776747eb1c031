import CeleriacWire
import FoundationEssentials
import Testing

@testable import CeleriacCore

@Suite struct RevokedTasksTests {
    private let start = Date(timeIntervalSince1970: 1_000_000)

    @Test func keepsTheLatestIDs() {
        let revoked = RevokedTasks()
        revoked.insert((0..<RevokedTasks.maximumCount).map { "\($0)" }, now: start)
        // Repeated, so that it is no longer the oldest one.
        revoked.insert(["0"], now: start.addingTimeInterval(1))
        revoked.insert(["x", "y"], now: start.addingTimeInterval(2))
        let ids = revoked.ids(now: start.addingTimeInterval(2))
        #expect(ids.count == RevokedTasks.maximumCount)
        #expect(ids.first == "3" && ids.suffix(3) == ["0", "x", "y"])
    }

    @Test func forgetsIDsInTime() {
        let revoked = RevokedTasks()
        let request = request("a")
        #expect(!revoked.contains(request, now: start))
        revoked.insert(["a"], now: start)
        revoked.insert(["b"], now: start.addingTimeInterval(10))
        let late = start.addingTimeInterval(RevokedTasks.lifetime - 1)
        #expect(revoked.contains(request, now: late) && revoked.ids(now: late) == ["a", "b"])
        let later = start.addingTimeInterval(RevokedTasks.lifetime)
        #expect(!revoked.contains(request, now: later) && revoked.ids(now: later) == ["b"])
    }

    @Test func repeatsTakeNoRoomForEver() {
        let revoked = RevokedTasks()
        for second in 0..<300_000 { revoked.insert(["a", "b"], now: start.addingTimeInterval(Double(second) / 1000)) }
        #expect(revoked.ids(now: start.addingTimeInterval(300)) == ["a", "b"])
    }

    @Test func findsStamps() {
        let revoked = RevokedTasks()
        revoked.insert(stamp: "customer", values: ["acme", 7])
        func isRevoked(_ stamps: WireObject) -> Bool {
            var request = request("x")
            request.stamps = stamps
            return revoked.contains(request, now: start)
        }
        #expect(isRevoked(["customer": "acme"]) && isRevoked(["customer": ["other", 7]]))
        #expect(!isRevoked(["customer": "other"]) && !isRevoked(["tenant": "acme"]) && !isRevoked([:]))
    }

    private func request(_ id: String) -> TaskRequest {
        TaskRequest(
            id: id, name: "work", arguments: [], keywordArguments: [:], headers: [:], queue: "q", redelivered: false,
            message: PlainMessage())
    }
}
