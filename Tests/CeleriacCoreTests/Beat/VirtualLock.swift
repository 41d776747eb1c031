import CeleriacCore
import CeleriacTestKit
import Foundation
import NIOConcurrencyHelpers
import Synchronization

/// A lock in virtual time. Every user has a handle of its own, whose connection a test can cut.
final class VirtualLock: Sendable {
    struct State {
        var holder: Int?
        var end = Date.distantPast
        var note: [UInt8]?
        var tokens = 0
        var actions: [@Sendable () -> Void] = []
        var attempts = 0
    }
    let state = NIOLockedValueBox(State())
    let timers: VirtualTimers

    init(_ timers: VirtualTimers) { self.timers = timers }

    func handle() -> Handle { Handle(lock: self) }

    /// How often somebody tried to take it.
    var attempts: Int { state.withLockedValue { $0.attempts } }

    var note: String { state.withLockedValue { String(decoding: $0.note ?? [], as: UTF8.self) } }

    final class Handle: CeleriacCore.DistributedLock {
        let lock: VirtualLock
        let isCut = Atomic(false)

        init(lock: VirtualLock) { self.lock = lock }

        var name: String { "virtual" }

        func reach() throws {
            if isCut.load(ordering: .sequentiallyConsistent) { throw CeleriacError(.unavailable, "cut") }
        }

        func attempt() async throws -> LockAttempt {
            try reach()
            let now = lock.timers.now
            return lock.state.withLockedValue { state in
                state.attempts += 1
                if state.holder != nil, state.end > now {
                    return .busy(.seconds(state.end.timeIntervalSince(now)))
                }
                state.tokens += 1
                state.holder = state.tokens
                state.end = now.addingTimeInterval(30)
                return .taken(Hold(handle: self, token: state.tokens))
            }
        }

        func onRelease(_ action: @escaping @Sendable () -> Void) async throws {
            try reach()
            lock.state.withLockedValue { $0.actions.append(action) }
        }

        func close() async {}
    }

    struct Hold: LockHold {
        let handle: Handle
        let token: Int

        var lease: Duration { .seconds(30) }

        private func ifOurs(_ body: (inout State) -> Void) throws -> Bool {
            try handle.reach()
            let now = handle.lock.timers.now
            return handle.lock.state.withLockedValue { state in
                guard state.holder == token, state.end > now else { return false }
                body(&state)
                return true
            }
        }

        func renew() async throws -> Bool {
            let end = handle.lock.timers.now.addingTimeInterval(30)
            return try ifOurs { $0.end = end }
        }

        func note() async throws -> [UInt8]? {
            try handle.reach()
            return handle.lock.state.withLockedValue { $0.note }
        }

        func leaveNote(_ note: [UInt8]) async throws -> Bool { try ifOurs { $0.note = note } }

        func release() async throws {
            guard try ifOurs({ $0.holder = nil }) else { return }
            for action in handle.lock.state.withLockedValue({ $0.actions }) { action() }
        }
    }
}
