import CeleriacCore
import CeleriacWire
import Logging
import Metrics
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// Brings the replies of a route: holds the notes about what was forwarded, waits for the results of the tasks at the
/// target, and carries out at the source what follows from them. A note is settled once that is done.
final class ReplyCourier: Sendable {
    private let run: RouteRun
    private let translation: ReplyTranslation
    private let feed: ResultFeed
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
        let (held, staysBefore) = (run.held, ReplyCourier.staysBefore(in: run.target))
        feed = ResultFeed(run.target.client) { result in
            // A mark about another note may be left of when the task was refused. The task's own result takes its place.
            guard !staysBefore, let key = NoteWithdrawal.key(in: result) else { return true }
            return held.withLockedValue { $0.holds(key, about: result.taskID) }
        }
    }

    /// Brings replies until the route ends.
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
            let room = max(1, run.route.pending - run.held.withLockedValue { $0.count })
            let deliveries = try await consumer.next(atMost: room)
            if deliveries.isEmpty { return }
            var new: [String] = []
            for delivery in deliveries {
                if let id = await hold(delivery, from: consumer) { new.append(id) }
            }
            let ids = new
            noteCount()
            let feed = feed
            try await run.patience.atStore("the target") { try await feed.add(ids) }
            // Not before there is something to ask for: who asks would find nothing, and sleep on.
            wake.wake()
        }
    }

    /// Holds a note, and returns the id of its task; nil for what is no note, and for a task that is awaited already.
    private func hold(_ delivery: Delivery, from consumer: any MessageConsumer) async -> String? {
        do throws(MessageFault) {
            let note = try BridgeNote(delivery.content.get())
            switch run.held.withLockedValue({ $0.take(note, delivery) }) {
            case .new(let id): return id
            case .known(let id, let others):
                var lost: [Receipt] = []
                for receipt in others {
                    if await consumer.hasLost(receipt) { lost.append(receipt) }
                }
                run.held.withLockedValue { [lost] in $0.drop(lost, of: id) }
            }
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
        let count = run.held.withLockedValue { $0.count }
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
        let now = run.timers.now.timeIntervalSince1970
        for held in run.held.withLockedValue({ $0.all }) where held.note.deadline <= now {
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
        let id = result.taskID
        guard let held = run.held.withLockedValue({ $0[id] }) else { return }
        let begin = ContinuousClock.now
        do {
            if let key = NoteWithdrawal.key(in: result) {
                try await withdraw(key, from: id)
                return
            }
            var request = try run.source.dialect.request(of: held.note.message, delivery: held.note.delivery)
            request.redelivered = held.mayBeAnswered
            let isAnswered = try await isAnswered(request, held)
            let outcome = translation.outcome(of: result, for: request)
            let step = try self.step(after: outcome, of: request, held)
            var effects = try step?.effects ?? run.effects(of: outcome, request)
            // Who has stored the result may have died before it gave the chord its part, or called an error callback.
            if isAnswered { effects = Array(effects.parted(atStateOf: request.id).after) }
            try await run.carryOut(effects, for: request)
            if let step { await goOn(to: step.next, after: id) } else { end(id, .acknowledge) }
            run.counts.change { $0.replied += 1 }
            run.metrics?.replying.record(duration: begin.duration(to: .now))
        } catch let error as CeleriacError where error.code == .unavailable {
            // The bridge stops: whoever gets the note next answers.
            run.logger.warning("a bridge has left a reply", metadata: ["error": "\(error)"])
        } catch {
            let fault = MessageFault(reason: "replyRefused", detail: "the reply could not be given: \(error)")
            run.logger.error("a bridge parks a reply", metadata: ["error": "\(error)"])
            run.counts.change { $0.refused[fault.reason, default: 0] += 1 }
            end(id, .park(fault))
        }
    }

    /// Ends a note whose task the target has refused: who has forwarded it has told the source. The mark stays at the target,
    /// for the case that the broker delivers the note once more.
    private func withdraw(_ key: String, from id: String) async throws {
        let (receipts, isAwaited) = run.held.withLockedValue { $0.withdraw(key, from: id) }
        feed.remove(id)
        noteCount()
        for receipt in receipts { settle(Settlement(receipt, .acknowledge)) }
        guard isAwaited else { return }
        // The task was sent once more: its result takes the place of the mark. Where nothing has to, nothing is deleted,
        // since the result may come at any moment.
        if let store = run.target.client.store, Self.staysBefore(in: run.target) {
            let dialect = run.target.dialect
            try await run.patience.atStore("the target") {
                guard let payload = try await store.fetch([id]).first ?? nil,
                    let result = try? dialect.result(from: payload), NoteWithdrawal.key(in: result) != nil
                else { return }
                try await store.forget([id])
            }
        }
        await ask(for: id)
    }

    /// Whether the mark of a task that was refused stays before its result, because the store queues states up.
    private static func staysBefore(in target: BridgeEnd) -> Bool { target.client.store?.fetchingRemoves == true }

    // MARK: Workflows

    /// What is to be done at the source for a step after which the target goes on by itself, and the note about what is
    /// awaited from then on: the source publishes nothing. Nil for the last step, and for one that has not succeeded, which
    /// the source follows up as it does.
    private func step(
        after outcome: Outcome, of request: TaskRequest, _ held: HeldNotes.Held
    ) throws -> (effects: [Effect], next: BridgeNote)? {
        guard case .success = outcome, !held.note.following.isEmpty else { return nil }
        let effects = try run.effects(of: outcome, request)
        let messages = effects.published
        let deadline = run.timers.now.addingTimeInterval(run.route.replyTimeout.seconds)
        guard let message = messages.first, messages.count == 1,
            var next = held.note.next(as: message, deadline: deadline)
        else { return nil }
        next.sourceID = (try? run.source.dialect.request(of: next.message, delivery: next.delivery))?.id
        return (effects.unpublished, next)
    }

    /// Waits for the next step of a workflow.
    private func goOn(to next: BridgeNote, after id: String) async {
        feed.remove(id)
        let isNew = run.held.withLockedValue { $0.advance(id, to: next) }
        noteCount()
        if isNew { await ask(for: next.targetID) }
    }

    /// Waits for the result of one more task.
    private func ask(for id: String) async {
        let feed = feed
        do {
            try await run.patience.atStore("the target") { try await feed.add([id]) }
        } catch {
            run.logger.debug("a bridge could not ask for a result", metadata: ["error": "\(error)"])
        }
        wake.wake()
    }

    private func end(_ id: String, _ disposition: Settlement.Disposition) {
        feed.remove(id)
        let receipts = run.held.withLockedValue { $0.end(id) }
        noteCount()
        for receipt in receipts { settle(Settlement(receipt, disposition)) }
    }

    /// Whether the source has the result. Celery stores it after the next tasks of chains are published, so that these need
    /// not be sent twice; Machinery stores it before, and its followers may be sent twice.
    private func isAnswered(_ request: TaskRequest, _ held: HeldNotes.Held) async throws -> Bool {
        guard held.mayBeAnswered, run.source.kind == .celery, run.source.keepsResults,
            let store = run.source.client.store
        else { return false }
        let payload = try await run.patience.atStore("the source") {
            try await store.fetch([request.id]).first ?? nil
        }
        guard let payload, let result = try? run.source.dialect.result(from: payload) else { return false }
        return result.state.isFinal
    }
}
