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

    @Test("with a limit for it, what waits for its time takes places of others, until none waits")
    func scheduleLimit() async {
        let capacity = Capacity(window: 4, scheduleLimit: 5)
        #expect(await capacity.room() == 4)
        capacity.take(4)
        for _ in 0..<2 { capacity.setAside() }
        // Two are in the window and two wait for their time: one more, although the window has room for two.
        #expect(await capacity.room() == 1)
        capacity.take(1)
        #expect(!capacity.hasRoom)
        capacity.setAside()
        #expect(!capacity.hasRoom)
        capacity.release(2)
        #expect(await capacity.room() == 2)
        capacity.takeBack(2)
        capacity.idleSlotsChanged(by: 1)
        #expect(await capacity.room() == 2)
        capacity.forgetAside(1)
        #expect(await capacity.room() == 2)
        let wide = Capacity(window: 8, scheduleLimit: 1)
        #expect(await wide.room() == 8)
        wide.take(1)
        wide.setAside()
        #expect(!wide.hasRoom)
        wide.takeBack(1)
        #expect(await wide.room() == 7)
        let unlimited = Capacity(window: 1)
        unlimited.take(1)
        unlimited.setAside()
        #expect(await unlimited.room() == 1)
    }

    @Test("is not granted bit by bit in a small window", arguments: [(1, 1), (4, 4), (40, 32), (128, 32), (132, 33)])
    func smallWindows(_ window: Int, _ portion: Int) async {
        #expect(await Capacity(window: window).room() == portion)
    }
}
