import CeleriacCore
import CeleriacWire
import Logging
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// Brings the replies of a route: holds the notes about what was forwarded, waits for the results of the tasks at the
/// target, and carries out at the source what follows from them. A note is settled once that is done.
final class ReplyCourier: Sendable {
    /// A note that is held.
    private struct Held: Sendable {
        let note: BridgeNote
        let receipt: Receipt
        /// Whether another bridge may have begun to answer.
        let mayBeAnswered: Bool
    }
    private let run: RouteRun
    private let translation: ReplyTranslation
    private let feed: ResultFeed
    private let held = NIOLockedValueBox<[String: Held]>([:])
    /// Wakes who asks for results, once there is something to ask for.
    private let wake = WakeSignal()
    /// Open once no more notes are taken.
    private let isOver = Gate()
    /// What is settled next, all at once.
    private let settlements = NIOLockedValueBox<[Settlement]>([])
    /// Wakes who settles; stopped when nothing more comes.
    private let settling = WakeSignal()

    init(_ run: RouteRun) {
        self.run = run
        translation = ReplyTranslation(run.route, to: run.source.kind)
        feed = ResultFeed(run.target.client)
    }

    /// Brings replies until the bridge stops.
    func bring() async throws {
        let consumer = try await run.consumer(
            of: run.route.noteQueue, at: run.target.notes, prefetch: run.route.pending)
        var failure: (any Error)?
        do { try await serve(consumer) } catch { failure = error }
        await consumer.stop()
        do { try await consumer.close() } catch { failure = failure ?? error }
        if let failure, !run.stop.isOpen { throw failure }
    }

    private func serve(_ consumer: any MessageConsumer) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await self.run.stop.waitUnlessCancelled()
                await consumer.stop()
            }
            group.addTask { await self.look() }
            async let settled: Void = self.settleAll(at: consumer)
            async let answered: Void = self.answer()
            var failure: (any Error)?
            do { try await take(from: consumer) } catch { failure = error }
            // What has arrived is still answered, and settled after that.
            feed.finish()
            isOver.open()
            wake.stop()
            await answered
            settling.stop()
            await settled
            group.cancelAll()
            if let failure { throw failure }
        }
    }

    // MARK: Notes

    private func take(from consumer: any MessageConsumer) async throws {
        while true {
            let room = max(1, run.route.pending - held.withLockedValue { $0.count })
            let deliveries = try await consumer.next(atMost: room)
            if deliveries.isEmpty { return }
            let ids = deliveries.compactMap { hold($0) }
            noteCount()
            let feed = feed
            try await run.patience.run("the target's result store") { try await feed.add(ids) }
            // Not before there is something to ask for: who asks would find nothing, and sleep on.
            wake.wake()
        }
    }

    /// Holds a note, and returns the id of its task; nil for what is no note, and for a second note about the same task.
    private func hold(_ delivery: Delivery) -> String? {
        do throws(MessageFault) {
            let note = try BridgeNote(delivery.content.get())
            let new = Held(
                note: note, receipt: delivery.receipt, mayBeAnswered: note.repeats || delivery.redelivered)
            let isNew = held.withLockedValue { held in
                guard held[note.targetID] == nil else { return false }
                held[note.targetID] = new
                return true
            }
            if isNew { return note.targetID }
            settle(Settlement(delivery.receipt, .acknowledge))
        } catch {
            run.counts.change { $0.refused[error.reason, default: 0] += 1 }
            settle(Settlement(delivery.receipt, .park(error)))
        }
        return nil
    }

    private func settle(_ settlement: Settlement) {
        settlements.withLockedValue { $0.append(settlement) }
        settling.wake()
    }

    /// Settles what has ended: while a round trip is under way, what the next one settles gathers.
    private func settleAll(at consumer: any MessageConsumer) async {
        while true {
            // Asked first: what came before the stop is then in the batch.
            let isLast = settling.isStopping
            let batch = settlements.withLockedValue { waiting in
                defer { waiting = [] }
                return waiting
            }
            if batch.isEmpty {
                if isLast { return }
                await settling.wait()
                continue
            }
            do {
                try await consumer.settle(batch)
            } catch {
                run.logger.warning("a bridge could not settle notes", metadata: ["error": "\(error)"])
            }
        }
    }

    private func noteCount() {
        let count = held.withLockedValue { $0.count }
        run.counts.change { $0.pending = count }
    }

    // MARK: Looking

    /// Asks for results that the store does not announce, and ends the wait for those that do not come.
    private func look() async {
        while !wake.isStopping {
            let count = feed.count
            guard count > 0 else {
                await wake.wait()
                continue
            }
            // A store that announces results is asked all the same: an announcement may be lost.
            let pause = (run.target.client.store?.pollInterval ?? .seconds(10)) + .microseconds(50 * count)
            if await isOver.wait(atMost: pause, timers: run.timers) { return }
            do {
                try await feed.look()
            } catch {
                run.logger.debug("a bridge could not ask for results", metadata: ["error": "\(error)"])
            }
            endOverdue()
        }
    }

    private func endOverdue() {
        for held in held.withLockedValue({ Array($0.values) }) where run.withdrawn.contains(held.note.targetID) {
            guard feed.remove(held.note.targetID) else { continue }
            end(held, .acknowledge)
        }
        let now = run.timers.now.timeIntervalSince1970
        for held in held.withLockedValue({ $0.values.filter { $0.note.deadline <= now } }) {
            let id = held.note.targetID
            // Who is not awaited any more has been answered, or is being answered.
            guard feed.remove(id) else { continue }
            feed.insert(
                TaskResult(
                    taskID: id, state: .failure,
                    error: RemoteTaskError(
                        taskID: id, type: "TimeoutError", module: "builtins",
                        arguments: ["the bridge has waited for a result in vain"])))
        }
    }

    // MARK: Answering

    private func answer() async {
        await withDiscardingTaskGroup { group in
            for await result in feed.results {
                group.addTask { await self.answer(result) }
            }
        }
    }

    private func answer(_ result: TaskResult) async {
        guard let held = held.withLockedValue({ $0[result.taskID] }) else { return }
        do {
            var request = try run.source.dialect.request(of: held.note.message, delivery: held.note.delivery)
            request.redelivered = held.mayBeAnswered
            let isAnswered = try await isAnswered(request, held)
            if !isAnswered {
                try await run.answer(translation.outcome(of: result, for: request), request)
            }
            end(held, .acknowledge)
            run.counts.change { $0.replied += 1 }
        } catch let error as CeleriacError where error.code == .unavailable {
            // The bridge stops: whoever gets the note next answers.
            run.logger.warning("a bridge has left a reply", metadata: ["error": "\(error)"])
        } catch {
            let fault = MessageFault(reason: "replyRefused", detail: "the reply could not be given: \(error)")
            run.logger.error("a bridge parks a reply", metadata: ["error": "\(error)"])
            run.counts.change { $0.refused[fault.reason, default: 0] += 1 }
            end(held, .park(fault))
        }
    }

    private func end(_ held: Held, _ disposition: Settlement.Disposition) {
        feed.remove(held.note.targetID)
        self.held.withLockedValue { $0[held.note.targetID] = nil }
        noteCount()
        settle(Settlement(held.receipt, disposition))
    }

    /// Whether the source has the reply. Celery stores a result after what follows it is published, so that a stored one
    /// says that all of it was done; Machinery stores it before, and its followers may be sent twice.
    private func isAnswered(_ request: TaskRequest, _ held: Held) async throws -> Bool {
        guard held.mayBeAnswered, run.source.kind == .celery, run.source.keepsResults,
            let store = run.source.client.store
        else { return false }
        let payload = try await run.patience.run("the source's result store") {
            try await store.fetch([request.id]).first ?? nil
        }
        guard let payload, let result = try? run.source.dialect.result(from: payload) else { return false }
        return result.state.isFinal
    }
}
