import CeleriacWire
import Logging
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// A worker from when it begins to consume until its last task has ended. The session makes the worker's parts and
/// moves jobs between them.
///
/// A delivery goes through the intake, perhaps through the waiting room, into the pool. There a slot gives the job to
/// the runner, which reports its outcome to the ledger. The ledger submits what follows to the effect pipeline.
final class WorkerSession: Sendable {
    let worker: TaskWorker
    let consumer: any MessageConsumer
    private let registrations: [String: TaskRegistration]
    let logger: Logger
    let pool: WorkerPool
    let held: HeldTasks
    let waiting: WaitingRoom
    let postponing: Postponing
    private let revokedTasks: RevokedTasks
    private let intake: Intake
    let ledger: Ledger
    private let runner: TaskRunner
    let pipeline: EffectPipeline
    private let observers: Observers
    private let prefetch: PrefetchReport
    private let control: WorkerControl
    private let log: TaskLog
    /// Pauses the worker while its result store is out of reach; nil for one that goes on.
    private let pause: StorePause?
    /// Open once the stop has taken most of its time, or needs no more.
    let isLate = Gate()
    /// The queues that the consumer leaves out because they were paused when it began.
    private let paused: [TaskQueue]
    /// Why the consumer gave up.
    let failure = NIOLockedValueBox<(any Error)?>(nil)
    /// How many messages had gone back to their queues when the stop began; nil before.
    let requeuedBefore = NIOLockedValueBox<Int?>(nil)

    init(worker: TaskWorker, consumer: any MessageConsumer, paused: Set<String> = []) {
        let (configuration, timers) = (worker.configuration, worker.timers)
        var logger = worker.logger
        logger[metadataKey: "worker"] = "\(worker.nodeName)"
        let retryPolicy = worker.dialect.retryPolicy
        let followsRateLimits = !configuration.disablesRateLimits
        let registrations = worker.handlers.mapValues {
            TaskRegistration($0, retryPolicy: retryPolicy, followsRateLimits: followsRateLimits)
        }
        let log = configuration.taskLog
        let observers = Observers(
            (worker.metrics.map { [$0 as any WorkerObserver] } ?? []) + configuration.observers
                + worker.parts.compactMap(\.observer), timers: timers)
        let revokedTasks = RevokedTasks(limits: configuration.revocationLimits)
        if !configuration.initialRevocations.isEmpty {
            revokedTasks.insert(configuration.initialRevocations, now: timers.now)
        }
        let pool = WorkerPool(
            concurrency: configuration.initialConcurrency, expected: configuration.autoscale?.upperBound ?? 0,
            prefetchMultiplier: configuration.messagesPerHandler, scheduleLimit: configuration.maximumScheduledTasks,
            blocks: worker.handlers.values.contains { $0.options.placement == .blocking }, stopping: worker.stopping,
            metrics: worker.metrics)
        let held = HeldTasks(consumer: consumer, timers: timers)
        let waiting = WaitingRoom(
            held: held, capacity: pool.capacity, jobs: pool.jobs, timers: timers, logger: logger,
            consumer: consumer as? any PayloadKeepingConsumer)
        let postponing = Postponing(
            consumer: consumer as? any PostponingConsumer, capacity: pool.capacity, revokedTasks: revokedTasks)
        let pipeline = EffectPipeline(
            dialect: worker.dialect, broker: worker.broker, store: worker.store, consumer: consumer, held: held,
            timers: timers, logger: logger, watch: worker.watch, metrics: worker.metrics,
            onJobsEnded: { pool.capacity.release($0) })
        let ledger = Ledger(
            dialect: worker.dialect, store: worker.store, registrations: registrations, nodeName: worker.nodeName,
            resultExpiry: configuration.resultExpiry, errorHandlers: worker.errorHandlers,
            logs: log, failsTasksOfUnacceptedContent: configuration.failsTasksOfUnacceptedContent,
            observers: observers, timers: timers, logger: logger, telemetry: worker.telemetry,
            publication: { worker.publicationContext() },
            submit: { plan in
                guard plan.isOfAcknowledged else { return pipeline.submit(plan) }
                // Otherwise nothing would bound how many outcomes wait for a store that is down.
                pool.capacity.take(1)
                pipeline.submit(plan.takingPlace())
            })
        self.worker = worker
        self.consumer = consumer
        self.paused = configuration.queues.filter { paused.contains($0.name) }
        self.registrations = registrations
        self.logger = logger
        self.pool = pool
        self.held = held
        self.waiting = waiting
        self.postponing = postponing
        self.revokedTasks = revokedTasks
        self.intake = Intake(
            dialect: worker.dialect, registrations: registrations, revokedTasks: revokedTasks,
            acknowledgement: configuration.acknowledgement, maximumAttempts: configuration.maximumAttempts)
        self.ledger = ledger
        self.runner = TaskRunner(
            dialect: worker.dialect, handlers: worker.handlers, nodeName: worker.nodeName, configuration: configuration,
            client: worker.client, store: worker.store, consumer: consumer, held: held, revokedTasks: revokedTasks,
            waiting: waiting,
            blockingExecutor: pool.blockingExecutor, ledger: ledger, observers: observers, tracing: worker.tracing,
            running: worker.metrics?.running, timers: timers, logger: logger)
        self.pipeline = pipeline
        self.observers = observers
        self.log = log
        self.prefetch = PrefetchReport(
            consumer: consumer, pool: pool, waiting: waiting, postponing: postponing,
            asideCount: { pipeline.asideCount })
        self.control = WorkerControl(
            worker: worker, queues: configuration.queues.filter { !paused.contains($0.name) },
            startTime: timers.now, registrations: registrations, consumer: consumer, pool: pool,
            waiting: waiting, held: held, prefetch: prefetch,
            revocations: Revocations(
                tasks: revokedTasks, waiting: waiting, slots: pool.slots, ledger: ledger, timers: timers),
            ledger: ledger, logger: logger)
        let queues = control.servedQueues
        self.pause =
            configuration.pausesWithoutResultStore
            ? worker.watch.map { [held, prefetch] watch in
                StorePause(
                    watch: watch, queues: queues, pool: pool, waiting: waiting, held: held, prefetch: prefetch,
                    timers: timers, logger: logger, submit: { pipeline.submit($0) })
            } : nil
    }

    /// Works until `stopping` opens or the consumer gives up. Nobody cancels its task: what follows from the
    /// tasks that ended could no longer be published.
    func run(until stopping: Gate, onReady: @escaping @Sendable () -> Void) async throws {
        pool.blockingExecutor?.start()
        defer { pool.blockingExecutor?.stop() }
        worker.watch?.begin(
            waitingCount: { [pipeline] in pipeline.waitingForStore }, onChange: { [pause] in pause?.wake() })
        defer { worker.watch?.end() }
        let losing = worker.configuration.cancelsTasksOnConnectionLoss ? consumer as? any LosingConsumer : nil
        let lost = LostTasks(slots: pool.slots, ledger: ledger, consumer: consumer)
        losing?.onLoss { lost.cancel() }
        defer { losing?.onLoss(nil) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.pipeline.run(
                    instead: { self.ledger.failure(of: $0, $1) }, call: { await self.runner.call($0, for: $1) })
            }
            group.addTask { await self.postponing.run { await self.leave($0, unmoved: $1) } }
            group.addTask { await self.waiting.kept.run { await self.readmit($0) } }
            if let pause { group.addTask { await pause.run(until: stopping) } }
            let (allIdle, consumerStopped) = (Gate(), Gate())
            group.addTask(executorPreference: globalConcurrentExecutor) {
                await self.pool.slots.run(self.pool.jobs) { job, slot in await self.perform(job, in: slot) }
                allIdle.open()
            }
            group.addTask {
                await stopping.wait()
                self.pool.capacity.close()
                await self.consumer.stop()
                consumerStopped.open()
            }
            group.addTask {
                await self.reachParts(until: stopping)
                if stopping.isOpen { return }
                self.logger.info(
                    "worker is ready",
                    metadata: [
                        "broker": "\(self.worker.broker.name)", "queues": "\(self.control.queues)",
                        "results": "\(self.worker.store?.name ?? "none")", "tasks": "\(self.registrations.count)",
                    ])
                onReady()
            }
            await withTaskGroup(of: Void.self) { parts in
                let partsStopping = Gate()
                for part in worker.parts {
                    parts.addTask { await part.run(beside: self.control, until: partsStopping) }
                }
                lookAfterParked(in: &parts, until: stopping)
                if !paused.isEmpty {
                    let watch = PauseWatch(paused, at: worker.broker, timers: worker.timers, logger: logger) {
                        [control] queue in
                        try await control.addQueue(queue)
                    }
                    parts.addTask { await watch.run(until: stopping) }
                }
                await consume()
                stopping.open()
                await stop(consumerStopped: consumerStopped, allIdle: allIdle)
                partsStopping.open()
            }
            // The parts have ended: they use the consumer, and nobody may after this.
            await close()
        }
        if let failure = failure.withLockedValue({ $0 }) { throw failure }
    }

    /// Waits until others can reach the worker's parts: who sees that a worker is ready may ask it at once. What is out of
    /// reach does not keep it from being ready for long, as its tasks run all the same.
    private func reachParts(until stopping: Gate) async {
        for reachable in worker.parts.compactMap(\.reachable) {
            let stopped = stopping.onOpen { reachable.open() }
            defer { stopping.forget(stopped) }
            if await !reachable.wait(atMost: .seconds(5), timers: worker.timers) { return }
        }
    }

    /// Runs a job in a slot. The end of an early message makes room for another, but not in a worker that takes none
    /// before a handler is free: there the run has a place of its own.
    private func perform(_ job: Job, in slot: Slot) async {
        let keepsPlace = worker.configuration.disablesPrefetch && job.acknowledgesEarly
        if keepsPlace { pool.capacity.take(1) }
        await runner.perform(job, in: slot)
        if keepsPlace { pool.capacity.release(1) }
    }

    /// Begins what the worker does for the messages that are parked from its queues.
    private func lookAfterParked(in group: inout TaskGroup<Void>, until stopping: Gate) {
        let queues: @Sendable () -> [String] = { [control] in control.queues }
        let bounds = ParkingBounds(
            policy: worker.configuration.parkingPolicy, broker: worker.broker, dialect: worker.dialect,
            news: pipeline.parkingNews, timers: worker.timers, logger: logger, queues: queues)
        group.addTask { await bounds.run(until: stopping) }
        let failures = ParkedFailures(
            broker: worker.broker, store: worker.store, dialect: worker.dialect, ledger: ledger,
            news: pipeline.parkingNews, timers: worker.timers, logger: logger, queues: queues)
        group.addTask { await failures.run(until: stopping) }
    }

    // MARK: Taking messages

    /// Takes messages until the worker stops or the consumer gives up.
    private func consume() async {
        var generation: UInt64 = 0
        /// When the first delivery came after a lost connection, until what was lost with it is dropped.
        var lossTime: Date?
        var taken: [Delivery] = []
        var isInformed = false
        while true {
            let unread = taken
            // What has not been delivered again by then is at another worker.
            let dropsLost = lossTime.map { worker.timers.now.timeIntervalSince($0) > 60 } ?? false
            if dropsLost { lossTime = nil }
            do {
                // The broker prepares the next messages while the worker reads a full portion.
                async let accepted: Void = accept(unread, dropsLost: dropsLost)
                let room = await pool.capacity.room()
                taken = room > 0 ? try await consumer.next(atMost: room) : []
                try await accepted
                if taken.isEmpty { return }
                if !isInformed {
                    isInformed = true
                    await awaitNews()
                }
                pool.capacity.take(taken.count)
                if let latest = taken.last?.receipt.generation, latest != generation {
                    generation = latest
                    lossTime = worker.timers.now
                }
                // After less than that no more messages wait, and these come first.
                if taken.count < room {
                    try await accept(taken, dropsLost: false)
                    taken = []
                }
            } catch {
                logger.error("the consumer gave up", metadata: ["error": "\(error)"])
                return failure.withLockedValue { $0 = error }
            }
        }
    }

    /// Waits until the worker's parts know what they must before the first task runs. That may be told while the broker
    /// prepares the first messages, so that the worker is ready no later.
    private func awaitNews() async {
        for informed in worker.parts.compactMap(\.informed) {
            let stopped = worker.stopping.onOpen { informed.open() }
            defer { worker.stopping.forget(stopped) }
            await informed.wait()
        }
    }

    /// Moves deliveries to where they go next.
    ///
    /// - Parameters:
    ///   - deliveries: the deliveries.
    ///   - dropsLost: whether to drop afterwards what a lost connection took and did not bring back.
    /// - Throws: the consumer's error, after which nothing more can be taken.
    private func accept(_ deliveries: [Delivery], dropsLost: Bool) async throws {
        if deliveries.isEmpty, !dropsLost { return }
        worker.health.progress.turn()
        defer { worker.health.progress.turn() }
        var portion = Portion()
        portion.ready.reserveCapacity(deliveries.count)
        let now = worker.timers.now
        let isPaused = pause?.isOn ?? false
        var unbegun: [Receipt] = []
        for delivery in deliveries {
            if delivery.redelivered || delivery.moves > 0 {
                worker.health.progress.step()
                if await takeOver(delivery) { continue }
            }
            if isPaused {
                unbegun.append(delivery.receipt)
            } else {
                move(delivery, now: now, isNew: true, in: &portion)
            }
        }
        push(portion, unbegun: unbegun)
        if dropsLost { waiting.dropLost() }
        try await prefetch.update()
    }

    /// Moves deliveries whose messages were read again, because their time is near, to where they go next.
    private func readmit(_ deliveries: [Delivery]) async {
        var portion = Portion()
        let now = worker.timers.now
        if pause?.isOn == true {
            push(portion, unbegun: deliveries.map(\.receipt))
        } else {
            for delivery in deliveries { move(delivery, now: now, isNew: false, in: &portion) }
            push(portion, unbegun: [])
        }
        // Without a connection the next one is told.
        try? await prefetch.update()
    }

    /// The jobs of deliveries that came together.
    private struct Portion {
        /// Those that may begin.
        var ready: [Job] = []
        /// Those whose messages the broker keeps until their time is near.
        var later: [Job] = []
    }

    /// Moves a delivery to where the intake says.
    ///
    /// - Parameters:
    ///   - delivery: the delivery.
    ///   - now: the time.
    ///   - isNew: whether nobody was told yet that the worker has it.
    ///   - portion: takes the job if it goes on with others.
    private func move(_ delivery: Delivery, now: Date, isNew: Bool, in portion: inout Portion) {
        switch intake.decision(on: delivery, now: now) {
        case .run(let job):
            held.insert(job)
            if isNew { tellReceived(job.request) }
            guard waiting.admit(job) else { return }
            if delivery.comesFirst {
                pool.jobs.push(CollectionOfOne(job), inFront: true)
            } else {
                portion.ready.append(job)
            }
        case .wait(let job, let delay):
            if waiting.kept.takes(after: delay) {
                if isNew { tellReceived(job.request) }
                return portion.later.append(job)
            }
            held.insert(job)
            if postponing.take(job, delay: delay) { return }
            if isNew { tellReceived(job.request) }
            waiting.schedule(job, after: delay)
        case .expired(let job): ledger.finish(job, .expired)
        case .revoked(let job): ledger.finish(job, .revoked(.revoked))
        case .unregistered(let request): ledger.refuse(request, receipt: delivery.receipt)
        case .exhausted(let request):
            let excess = delivery.attempts - worker.configuration.maximumAttempts
            ledger.park(delivery, exhausted: request, excess: excess)
        case .park(let fault): ledger.park(delivery, fault)
        }
    }

    /// Moves a portion on, and gives back what came while the worker pauses.
    private func push(_ portion: Portion, unbegun: [Receipt]) {
        pool.jobs.push(portion.ready)
        waiting.kept.take(portion.later)
        pause?.giveBack(unbegun)
        // The pause may have begun meanwhile.
        if let pause, pause.isOn { pause.giveBackWaiting() }
    }

    private func tellReceived(_ request: TaskRequest) {
        log.tellReceived(request, dialect: worker.dialect, to: logger)
        observers.tell(.received(request))
    }

    /// Lets go of the messages that the broker keeps from now on, and waits here for the time of the others.
    private func leave(_ moved: [Job], unmoved: [Job]) async {
        for job in moved {
            logger.info(
                "the broker keeps a task until its time",
                metadata: [
                    "task": "\(job.request.name)", "task-id": "\(job.request.id)",
                    "eta": "\(job.request.eta.map { "\($0)" } ?? "")",
                ])
            pipeline.submit(Plan(ending: job, effects: [.settle(.acknowledge)]))
        }
        let now = worker.timers.now
        for job in unmoved {
            if revokedTasks.contains(job.request, now: now) {
                ledger.finish(job, .revoked(.revoked))
            } else {
                tellReceived(job.request)
                waiting.schedule(
                    job, after: Duration(clampedSeconds: max(0, job.request.eta?.timeIntervalSince(now) ?? 0)))
            }
        }
        if let pause, pause.isOn { pause.giveBackWaiting() }
        // Without a connection the next one is told.
        try? await prefetch.update()
    }

    /// Lets a redelivery take over the task that this worker already has of its message, and ends a copy of a message
    /// whose task this worker has.
    ///
    /// - Returns: whether there is such a task.
    private func takeOver(_ delivery: Delivery) async -> Bool {
        guard let body = try? delivery.content.get().body, let request = try? intake.request(of: delivery) else {
            return false
        }
        let message = MessageIdentity(id: request.id, retries: request.retries, body: body, moves: delivery.moves)
        let known = delivery.redelivered ? await held.takeOver(message, by: delivery.receipt) : nil
        let isCopy = known == nil && delivery.moves > 0 && held.outdo(message)
        guard let takeover = isCopy ? .ending(.acknowledge) : known else { return false }
        logger.info(
            "the broker has delivered a task again that this worker has already",
            metadata: [
                "task": "\(request.name)", "task-id": "\(request.id)",
                "state": "\(takeover == .task || isCopy ? "begun or waiting" : "ended")",
            ])
        switch takeover {
        // The task has its place in the window, or needs none.
        case .task: pool.capacity.release(1)
        case .ending(let disposition, let answers):
            pipeline.answerAgain(answers)
            pipeline.submit(
                Plan(
                    receipt: delivery.receipt, taskID: request.id, endsJob: true, effects: [.settle(disposition)]))
        }
        return true
    }
}
