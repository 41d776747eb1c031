import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import Testing

/// Two processes that run the same routes.
@Suite(.timeLimit(.minutes(2))) struct TwoBridgesTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")

    @Test func eachTaskRunsOnceAndIsAnswered() async throws {
        let count = 100
        let bench = try BridgeBench()
        let runs = NIOLockedValueBox(0)
        let worker = bench.celery.worker(WorkerConfiguration(queues: ["celery"])) {
            Self.add.handler { left, right in
                runs.withLockedValue { $0 += 1 }
                return left + right
            }
        }
        let bridges = [bench.toCelery { $0.inFlight = 3 }, bench.toCelery { $0.inFlight = 3 }]
        try await withBridge(bridges[0]) {
            try await withBridge(bridges[1]) {
                try await withRunning(worker) {
                    var results: [AsyncResult<Int>] = []
                    for number in 0..<count { results.append(try await bench.machinery.send(Self.add(number, 1))) }
                    for (number, result) in results.enumerated() {
                        #expect(try await result.get(timeout: .seconds(60)) == number + 1)
                    }
                }
            }
        }
        #expect(runs.withLockedValue { $0 } == count)
        let statuses = bridges.compactMap { $0.status["to-celery"] }
        #expect(statuses.map(\.forwarded).reduce(0, +) == count)
        #expect(statuses.map(\.replied).reduce(0, +) == count)
        #expect(bench.notes.count(in: BridgeRoute.toCelery.noteQueue) == 0)
    }

    @Test func oneTakesUpWhatTheOtherHasLeft() async throws {
        let bench = try BridgeBench()
        let result = try await bench.machinery.send(Self.add(2, 3))
        let first = bench.toCelery()
        let second = bench.toCelery()
        let worker = bench.celery.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        try await withBridge(first) {
            await until { first.status["to-celery"]?.pending == 1 }
            try await withBridge(second) {
                first.stop()
                await until { second.status["to-celery"]?.pending == 1 }
                try await withRunning(worker) {
                    let value = try await result.get(timeout: .seconds(60))
                    #expect(value == 5)
                }
            }
        }
        #expect(second.status["to-celery"]?.replied == 1)
    }
}
