#if Redis
import CeleriacCore
import CeleriacQueues
import CeleriacRedis
import MachineryWire
import NIOCore

import struct FoundationEssentials.Date

/// How delayed tasks come to their queues in a cluster, where no step can touch both.
///
/// A worker takes due tasks by giving them a later time, pushes them, and then removes them from the set. If it dies in
/// between they are due again after that time, so that none is lost. A mark in the queue's slot says that a task was pushed,
/// and goes when the task is removed: whoever takes the task again does not push it twice. That holds unless the second one
/// is a Go worker, which knows no marks, comes more than an hour later, or the first was held up between two steps for longer
/// than a claim lasts. Go's workers remove a task before they push it, and lose it when they die in between.
extension MachineryRedisTopology {
    /// How long a mark stands that nobody removes, in seconds.
    private static let lifeOfMark = 3600
    private static let portionOfDue = 500

    private typealias DelayedTask = (message: [UInt8], queue: String)

    /// Tasks that were taken, and until when nobody else takes them.
    private struct Due: Sendable {
        var tasks: [DelayedTask] = []
        /// Those whose queue has no name that is text.
        var nameless: [DelayedTask] = []
        let end: Date

        var score: Int64 { GoTime(end).unixNanoseconds }
    }

    /// Moves all delayed tasks whose time has come.
    func moveDueTasksInSteps(_ consumer: RedisMessageConsumer) {
        let now = consumer.timers.now
        let end = now.addingTimeInterval(settings.claimLifetime.seconds)
        let take = RedisCommand.evaluate(
            MachineryScripts.takeDue, keys: keysOfDelayed,
            arguments: [
                GoTime(now).unixNanoseconds, Self.portionOfDue, GoTime(end).unixNanoseconds, defaultQueue,
                closingOfParked(consumer),
            ])
        consumer.client.submit([take]).whenComplete { [weak consumer] result in
            guard let consumer else { return }
            consumer.note("move delayed tasks", result.refusal)
            let found = (try? result.get())?.first?.array ?? []
            var due = Due(end: end)
            for place in stride(from: 0, to: found.count - 1, by: 2) {
                guard let message = found[place].bytes else { continue }
                if let queue = found[place + 1].string {
                    due.tasks.append((message, queue))
                } else {
                    due.nameless.append((message, ""))
                }
            }
            push(due, consumer)
            remove(due.nameless, of: due, closing: closingOfParked(consumer), consumer)
            if found.count == 2 * Self.portionOfDue { moveDueTasksInSteps(consumer) }
        }
    }

    private var keysOfDelayed: [String] { [settings.delayedTasks, keys(of: settings.delayedTasks).parked] }

    private func push(_ due: Due, _ consumer: RedisMessageConsumer) {
        // Others may have them by now.
        guard !due.tasks.isEmpty, consumer.timers.now < due.end else { return }
        let pushes = due.tasks.map { task in
            RedisCommand.evaluate(
                MachineryScripts.pushDue, keys: [task.queue, keys(of: task.queue).moved(task.message)],
                arguments: [task.message, Self.lifeOfMark])
        }
        consumer.client.submit(pushes).whenComplete { [weak consumer] result in
            guard let consumer else { return }
            consumer.note("push delayed tasks", result.refusal)
            // What is not known to be pushed stays, and is due again.
            guard let replies = try? result.get() else { return }
            let answered = Array(zip(due.tasks, replies))
            let pushed = answered.filter { $1.error == nil }.map(\.0)
            let refused = answered.filter { $1.error.map { !$0.isTemporary } ?? false }.map(\.0)
            remove(pushed, of: due, closing: [], consumer)
            remove(refused, of: due, closing: closingOfParked(consumer), consumer)
        }
    }

    /// Removes tasks from the set, and then their marks; with an end of records it parks them.
    private func remove(
        _ tasks: [DelayedTask], of due: Due, closing: [UInt8], _ consumer: RedisMessageConsumer
    ) {
        guard !tasks.isEmpty else { return }
        var arguments: [any RedisArgument] = [due.score, closing]
        for task in tasks { arguments.append(task.message) }
        let command = RedisCommand.evaluate(MachineryScripts.endDue, keys: keysOfDelayed, arguments: arguments)
        consumer.client.submit([command]).whenComplete { [weak consumer] result in
            guard let consumer else { return }
            consumer.note("remove delayed tasks", result.refusal)
            let removed = (try? result.get())?.first?.array ?? []
            let marks = zip(tasks, removed).filter { $1.int == 1 }
                .map { task, _ in RedisCommand("DEL", keys(of: task.queue).moved(task.message)) }
            if !marks.isEmpty { _ = consumer.client.submit(marks) }
        }
    }
}
#endif
