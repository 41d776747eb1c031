import CeleriacWire
import Logging

import struct FoundationEssentials.Date

/// A worker from when it begins to consume until its last task has ended. The session makes the worker's parts and
/// moves jobs between them.
///
/// A delivery goes through the intake, perhaps through the waiting room, into the pool. There a slot gives the job to
/// the runner, which reports its outcome to the ledger. The ledger submits what follows to the effect pipeline.
final class WorkerSession: Sendable {
    private let worker: TaskWorker
    private let consumer: any MessageConsumer
    private let registrations: [String: TaskRegistration]
    private let logger: Logger
    private let pool: WorkerPool
    private let waiting: WaitingRoom
    private let intake: Intake
    private let ledger: Ledger
    private let runner: TaskRunner
    private let pipeline: EffectPipeline
    private let observers: Observers
    private let prefetch: PrefetchReport
    private let control: WorkerControl

    init(worker: TaskWorker, consumer: any MessageConsumer) {
        let (configuration, timers) = (worker.configuration, worker.timers)
        var logger = worker.logger
        logger[metadataKey: "worker"] = "\(worker.nodeName)"
        let retryPolicy = worker.dialect.retryPolicy
        let registrations = worker.handlers.mapValues { TaskRegistration($0, retryPolicy: retryPolicy) }
        let observers = Observers(configuration.observers + worker.parts.compactMap(\.observer), timers: timers)
        let revokedTasks = RevokedTasks(limits: configuration.revocationLimits)
        let pool = WorkerPool(
            concurrency: configuration.concurrency, prefetchMultiplier: configuration.prefetchMultiplier,
            blocks: worker.handlers.values.contains { $0.options.placement == .blocking }, stopping: worker.stopping)
        let waiting = WaitingRoom(
            consumer: consumer, capacity: pool.capacity, jobs: pool.jobs, timers: timers, logger: logger)
        let pipeline = EffectPipeline(
            dialect: worker.dialect, broker: worker.broker, store: worker.store, consumer: consumer, timers: timers,
            logger: logger, onJobsEnded: { pool.capacity.release($0) })
        let ledger = Ledger(
            dialect: worker.dialect, store: worker.store, registrations: registrations, nodeName: worker.nodeName,
            resultExpiry: configuration.resultExpiry, errorHandlers: worker.errorHandlers,
            logsErrorTexts: configuration.logsErrorTexts, observers: observers,
            timers: timers, logger: logger, publication: { worker.publicationContext() },
            submit: { pipeline.submit($0) })
        self.worker = worker
        self.consumer = consumer
        self.registrations = registrations
        self.logger = logger
        self.pool = pool
        self.waiting = waiting
        self.intake = Intake(
            dialect: worker.dialect, registrations: registrations, revokedTasks: revokedTasks,
            acknowledgement: configuration.acknowledgement, maximumAttempts: configuration.maximumAttempts)
        self.ledger = ledger
        self.runner = TaskRunner(
            dialect: worker.dialect, handlers: worker.handlers, nodeName: worker.nodeName, configuration: configuration,
            client: worker.client, consumer: consumer, revokedTasks: revokedTasks, waiting: waiting,
            blockingExecutor: pool.blockingExecutor, ledger: ledger, observers: observers, timers: timers,
            logger: logger)
        self.pipeline = pipeline
        self.observers = observers
        self.prefetch = PrefetchReport(consumer: consumer, pool: pool, waiting: waiting)
        self.control = WorkerControl(
            worker: worker, startTime: timers.now, registrations: registrations, consumer: consumer, pool: pool,
            waiting: waiting, prefetch: prefetch,
            revocations: Revocations(
                tasks: revokedTasks, waiting: waiting, slots: pool.slots, ledger: ledger, timers: timers),
            ledger: ledger, logger: logger)
    }

    /// Works until `stopping` opens or the consumer gives up. Nobody cancels its task: what follows from the
    /// tasks that ended could no longer be published.
    func run(until stopping: Gate, onReady: () -> Void) async throws {
        pool.blockingExecutor?.start()
        defer { pool.blockingExecutor?.stop() }
        let failure = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.pipeline.run(
                    instead: { self.ledger.failure(of: $0, $1) }, call: { await self.runner.call($0, for: $1) })
            }
            let (allIdle, consumerStopped) = (Gate(), Gate())
            group.addTask(executorPreference: globalConcurrentExecutor) {
                await self.pool.slots.run(self.pool.jobs) { job, slot in await self.runner.perform(job, in: slot) }
                allIdle.open()
            }
            group.addTask {
                await stopping.wait()
                self.pool.capacity.close()
                await self.consumer.stop()
                consumerStopped.open()
            }
            logger.info(
                "worker is ready",
                metadata: [
                    "broker": "\(worker.broker.name)", "queues": "\(control.queues)",
                    "results": "\(worker.store?.name ?? "none")", "tasks": "\(registrations.count)",
                ])
            onReady()
            group.addTask {
                await self.worker.abandoning.wait()
                self.pool.slots.cancelEveryJob()
            }
            let failure = await withTaskGroup(of: Void.self) { parts in
                let partsStopping = Gate()
                for part in worker.parts {
                    parts.addTask { await part.run(beside: self.control, until: partsStopping) }
                }
                let failure = await consume()
                stopping.open()
                await stop(consumerStopped: consumerStopped, allIdle: allIdle)
                partsStopping.open()
                return failure
            }
            // The parts have ended: they use the consumer, and nobody may after this.
            await close()
            return failure
        }
        if let failure { throw failure }
    }

    // MARK: Taking messages

    /// Takes messages until the worker stops.
    ///
    /// - Returns: why the consumer gave up; nil after a stop.
    private func consume() async -> (any Error)? {
        var generation: UInt64 = 0
        var taken: [Delivery] = []
        while true {
            let unread = taken
            do {
                // The broker prepares the next messages while the worker reads a full portion.
                async let accepted: Void = accept(unread)
                let room = await pool.capacity.room()
                taken = room > 0 ? try await consumer.next(atMost: room) : []
                try await accepted
                if taken.isEmpty { return nil }
                pool.capacity.take(taken.count)
                if let latest = taken.last?.receipt.generation, latest != generation {
                    generation = latest
                    waiting.dropLost()
                }
                // After less than that no more messages wait, and these come first.
                if taken.count < room {
                    try await accept(taken)
                    taken = []
                }
            } catch {
                logger.error("the consumer gave up", metadata: ["error": "\(error)"])
                return error
            }
        }
    }

    private func accept(_ deliveries: [Delivery]) async throws {
        if deliveries.isEmpty { return }
        var ready: [Job] = []
        ready.reserveCapacity(deliveries.count)
        let now = worker.timers.now
        for delivery in deliveries {
            switch intake.decision(on: delivery, now: now) {
            case .run(let job):
                logReceived(job.request)
                observers.tell(.received(job.request))
                if waiting.admit(job) { ready.append(job) }
            case .wait(let job, let delay):
                logReceived(job.request)
                observers.tell(.received(job.request))
                waiting.schedule(job, after: delay)
            case .expired(let job): ledger.finish(job, .expired)
            case .revoked(let job): ledger.finish(job, .revoked(.revoked))
            case .unregistered(let request): ledger.refuse(request, receipt: delivery.receipt)
            case .park(let fault): ledger.park(delivery, fault)
            }
        }
        pool.jobs.push(ready)
        try await prefetch.update()
    }

    private func logReceived(_ request: TaskRequest) {
        logger.info(
            "task received",
            metadata: ["task": "\(request.name)", "task-id": "\(request.id)"].merging(
                request.eta.map { ["eta": "\($0)"] } ?? [:]
            ) { $1 })
    }

    // MARK: Stopping

    private func stop(consumerStopped: Gate, allIdle: Gate) async {
        pool.slots.close()
        let ready = pool.jobs.close()
        let (limited, scheduled) = waiting.close()
        logger.info(
            "worker is stopping",
            metadata: [
                "running": "\(pool.activeCount)", "waiting": "\(ready.count + limited.count)",
                "eta": "\(scheduled.count)",
            ])
        let deadline = worker.timers.schedule(after: worker.configuration.stopTimeout) { [worker] in
            worker.abandoning.open()
        }
        // Give back at once, so that other workers need not wait until the last handler here has ended, but not before
        // the consumer has stopped, or this worker might get the messages again.
        await consumerStopped.wait()
        await giveBack(ready + limited + scheduled)
        await allIdle.wait()
        deadline.cancel()
        worker.abandoning.open()
        pipeline.stopRetrying()
        await pipeline.drain()
    }

    private func close() async {
        do {
            try await consumer.close()
        } catch {
            logger.error("could not give messages back", metadata: ["error": "\(error)"])
        }
        pipeline.close()
        logger.info("worker has stopped")
    }

    private func giveBack(_ jobs: [Job]) async {
        do {
            try await consumer.giveBack(jobs.map(\.receipt))
        } catch {
            logger.warning(
                "could not give messages back yet", metadata: ["error": "\(error)", "messages": "\(jobs.count)"])
        }
    }
}
