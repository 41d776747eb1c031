import CeleriacTestKit
import Logging
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import CeleriacCore

/// An error of a transport that may have sent what it was given.
private struct Doubtful: TransportError {
    let isRefusedLogin = false
    let mayHaveArrived: Bool
}

/// An error of a transport whose call ended with its caller's task.
private struct Cut: TransportError {
    let isRefusedLogin = false
    let mayHaveArrived = false
    let isCancellation = true
}

/// Celery's `task_publish_retry_policy`.
@Suite("Publishing again", .timeLimit(.minutes(5))) struct PublishRetryTests {
    private func pauses(_ policy: PublishRetry) -> [Double?] { (0..<8).map { policy.pause(after: $0)?.seconds } }

    @Test("the pauses are kombu's")
    func intervals() {
        #expect(pauses(PublishRetry()).prefix(4) == [0, 0.2, 0.4, nil])
        let long = PublishRetry(maximumRetries: nil, start: .zero, step: .milliseconds(250), maximum: .seconds(1))
        #expect(pauses(long) == [0, 0.25, 0.5, 0.75, 1, 1, 1, 1])
        let uneven = PublishRetry(maximumRetries: 5, start: .seconds(1), step: .seconds(2), maximum: .seconds(3))
        #expect(pauses(uneven) == [1, 3, 3, 3, 3, nil, nil, nil])
        let even = PublishRetry(maximumRetries: nil, start: .seconds(2), step: .zero, maximum: .zero)
        #expect(pauses(even).allSatisfy { $0 == 2 })
        #expect(pauses(.never).allSatisfy { $0 == nil })
    }

    /// How often something is published that always fails with this error.
    private func calls(_ error: any Error & Sendable, _ policy: PublishRetry) async -> Int {
        let calls = NIOLockedValueBox(0)
        await #expect(throws: (any Error).self) {
            try await policy.run(timers: VirtualTimers(), logger: LogRecorder().logger) {
                calls.withLockedValue { $0 += 1 }
                throw error
            }
        }
        return calls.withLockedValue { $0 }
    }

    @Test("only what cannot have arrived is published again")
    func errors() async {
        let once = PublishRetry(maximumRetries: 1)
        let isUnsent = CeleriacError(.unavailable, "away", cause: Doubtful(mayHaveArrived: false))
        let isDoubtful = CeleriacError(.unavailable, "lost", cause: Doubtful(mayHaveArrived: true))
        #expect(await calls(CeleriacError(.unavailable, "away"), once) == 2)
        #expect(await calls(isUnsent, once) == 2)
        #expect(await calls(isDoubtful, once) == 1)
        #expect(await calls(CeleriacError(.publishFailed, "no"), once) == 1)
        #expect(await calls(PartialPublishError(refused: [:]), once) == 1)
        #expect(await calls(isUnsent, .never) == 1)
        #expect(await calls(CeleriacError(.unavailable, "cut", cause: Cut()), once) == 1)
    }

    @Test("an error says in its causes that the caller was cancelled")
    func cancellations() {
        let cut = CeleriacError(.publishFailed, "cut", cause: Cut())
        let cancelled: [any Error] = [
            CancellationError(), Cut(), cut, CeleriacError(.unavailable, "no", cause: CancellationError()),
            CeleriacError(.resultStore, "no", cause: cut), PartialPublishError(refused: [:], unknown: [1: cut]),
        ]
        for error in cancelled { #expect(error.comesOfCancellation, "\(error)") }
        let others: [any Error] = [
            CeleriacError(.unavailable, "away"),
            CeleriacError(.unavailable, "lost", cause: Doubtful(mayHaveArrived: true)),
            PartialPublishError(refused: [1: CeleriacError(.publishFailed, "no")]),
        ]
        for error in others { #expect(!error.comesOfCancellation, "\(error)") }
    }

    @Test("a caller that is cancelled in a pause hears of that")
    func cancelledInAPause() async throws {
        let (timers, log, calls) = (VirtualTimers(), LogRecorder(), NIOLockedValueBox(0))
        let end = Task {
            try await PublishRetry(start: .seconds(1)).run(timers: timers, logger: log.logger) {
                calls.withLockedValue { $0 += 1 }
                throw CeleriacError(.unavailable, "away")
            }
        }
        await until { timers.count == 1 }
        end.cancel()
        await #expect(throws: CancellationError.self) { try await end.value }
        #expect(calls.withLockedValue { $0 } == 1)
    }

    @Test("pauses between retries, tells of each, and gives up at the last")
    func givesUp() async throws {
        let (timers, log, calls) = (VirtualTimers(), LogRecorder(), NIOLockedValueBox(0))
        let end = Task {
            try await PublishRetry().run(timers: timers, logger: log.logger) {
                calls.withLockedValue { $0 += 1 }
                throw CeleriacError(.unavailable, "away")
            }
        }
        for (count, pause) in [(2, Duration.milliseconds(200)), (3, .milliseconds(400))] {
            await until { calls.withLockedValue { $0 } == count && timers.count == 1 }
            timers.advance(by: pause)
        }
        await #expect(throws: CeleriacError.self) { try await end.value }
        #expect(calls.withLockedValue { $0 } == 4 && log.lines(at: .warning).count == 3)
    }

    @Test("a client sends when the broker is back, unless the call says otherwise")
    func client() async throws {
        let broker = FaultyBroker(MemoryBroker())
        let timers = VirtualTimers()
        let client = TaskClient(
            dialect: PlainDialect(), broker: broker, store: nil,
            configuration: ClientConfiguration(
                defaultQueue: "q", publishRetry: PublishRetry(maximumRetries: nil, start: .seconds(1))),
            timers: timers, logger: LogRecorder().logger)
        let task = TaskDefinition<String, String>("work")
        broker.refusePublishes(with: CeleriacError(.unavailable, "away"))
        let error = await #expect(throws: CeleriacError.self) {
            try await client.send([task("x")], options: SendOptions(publishRetries: 0))
        }
        #expect(error?.code == .unavailable && timers.count == 0)
        let sent = Task { try await client.send(task("x")).id }
        await until { timers.count == 1 }
        broker.refusePublishes(with: nil)
        timers.advance(by: .seconds(1))
        #expect(try await !sent.value.isEmpty)
        #expect(try await broker.base.depth(of: "q") == 1)
    }
}
