import NIOConcurrencyHelpers
import Testing

@testable import CeleriacCore

@Suite("Room for messages", .timeLimit(.minutes(5))) struct CapacityTests {
    @Test("is granted in portions, so that one can be read while the next is on its way")
    func portions() async {
        let capacity = Capacity(window: 400)
        for _ in 0..<4 {
            #expect(await capacity.room() == 100)
            capacity.take(100)
        }
        capacity.release(130)
        #expect(await capacity.room() == 100)
        capacity.take(100)
        // A rest that is less than a portion waits for more, unless a slot is idle.
        let granted = NIOLockedValueBox(0)
        async let room = {
            let room = await capacity.room()
            granted.withLockedValue { $0 = room }
            return room
        }()
        capacity.release(69)
        #expect(granted.withLockedValue { $0 } == 0)
        capacity.release(1)
        #expect(await room == 100)
        capacity.take(97)
        capacity.idleSlotsChanged(by: 1)
        #expect(await capacity.room() == 3)
        capacity.close()
        #expect(await capacity.room() == 0)
    }

    @Test("is not granted bit by bit in a small window", arguments: [(1, 1), (4, 4), (40, 32), (128, 32), (132, 33)])
    func smallWindows(_ window: Int, _ portion: Int) async {
        #expect(await Capacity(window: window).room() == portion)
    }
}
