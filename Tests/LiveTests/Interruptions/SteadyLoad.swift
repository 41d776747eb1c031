#if AMQP && Redis
import Celeriac
import CeleriacCore
import NIOConcurrencyHelpers

/// Tasks that are sent one after another, also while nobody can take them.
final class SteadyLoad: Sendable {
    private static let task = TaskDefinition<Int, Int>("tasks.load")

    /// A task whose sending was confirmed.
    struct Sent: Sendable {
        let number: Int
        let id: String
        /// When sending it began.
        let begin: ContinuousClock.Instant
    }

    private let sent = NIOLockedValueBox<[Sent]>([])
    private let beginnings = NIOLockedValueBox<[Int: ContinuousClock.Instant]>([:])

    /// What was confirmed so far.
    var confirmed: [Sent] { sent.withLockedValue { $0 } }

    /// When each task began first, by its number.
    var begun: [Int: ContinuousClock.Instant] { beginnings.withLockedValue { $0 } }

    /// Runs the tasks, and notes when each begins.
    var handler: TaskHandler {
        Self.task.handler { [beginnings] number in
            beginnings.withLockedValue { $0[number] = $0[number] ?? ContinuousClock.now }
            return number
        }
    }

    /// Sends while the body runs.
    func run<Value: Sendable>(
        _ app: any TaskSender, while body: () async throws -> Value
    ) async throws -> Value {
        let enough = Gate()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.run(app, until: enough) }
            let value = try await body()
            enough.open()
            try await group.next()
            return value
        }
    }

    /// Sends until the gate is open, up to a hundred tasks a second. A task whose sending throws is not confirmed: it is sent
    /// again.
    private func run(_ app: any TaskSender, until enough: Gate) async throws {
        var number = 0
        while !enough.isOpen {
            let begin = ContinuousClock.now
            if let result = try? await app.send(Self.task(number)) {
                let task = Sent(number: number, id: result.id, begin: begin)
                sent.withLockedValue { $0.append(task) }
                number += 1
            }
            _ = try await look(for: true, atMost: .milliseconds(5)) { enough.isOpen }
        }
    }
}
#endif
