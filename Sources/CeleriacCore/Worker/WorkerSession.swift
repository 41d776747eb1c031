import CeleriacWire
import Logging
import NIOConcurrencyHelpers
import NIOPosix

import struct FoundationEssentials.Date

/// A worker between its first message and its last.
final class WorkerSession: Sendable {
    let worker: Worker
    let consumer: any MessageConsumer
    let pipeline: EffectPipeline
    let blockingPool: BlockingExecutor?
    let logger: Logger
    let capacity: Capacity
    let jobs: JobQueue
    /// Jobs that wait for their time, beside the window.
    let shelf = Shelf()
    /// Jobs that wait for their turn under a rate limit, within the window.
    let limited = Shelf()
    let slotPool: SlotPool
    let poolSize: NIOLockedValueBox<Int>
    /// What the broker was last told of messages beside its prefetch.
    let toldHeld = NIOLockedValueBox(0)
    let registrations: [String: TaskRegistration]
    let revokedTasks = RevokedTasks()
    let observers: [any WorkerObserver]
    let servedQueues: NIOLockedValueBox<[String]>
    let startTime: Date

    init(worker: Worker, consumer: any MessageConsumer) {
        let capacity = Capacity(window: worker.configuration.window)
        var logger = worker.logger
        logger[metadataKey: "worker"] = "\(worker.configuration.nodeName)"
        self.worker = worker
        self.consumer = consumer
        self.logger = logger
        self.capacity = capacity
        self.jobs = JobQueue(stopping: worker.stopping) { capacity.idleSlotsChanged(by: $0) }
        self.registrations = worker.handlers.mapValues { TaskRegistration($0) }
        self.observers = worker.configuration.observers + worker.parts.compactMap(\.observer)
        self.servedQueues = NIOLockedValueBox(worker.configuration.queues)
        self.startTime = worker.timers.now
        self.slotPool = SlotPool(count: worker.configuration.concurrency)
        self.poolSize = NIOLockedValueBox(worker.configuration.concurrency)
        self.pipeline = EffectPipeline(
            dialect: worker.dialect, broker: worker.broker, store: worker.store, consumer: consumer,
            timers: worker.timers, logger: logger, onJobsEnded: { capacity.release($0) })
        let blocks = worker.handlers.values.contains { $0.options.placement == .blocking }
        self.blockingPool = blocks ? BlockingExecutor(threads: worker.configuration.concurrency) : nil
    }

    /// Works until `stopping` opens, the task is cancelled, or the consumer gives up.
    func run(until stopping: Gate, onReady: () -> Void) async throws {
        blockingPool?.start()
        defer { blockingPool?.stop() }
        let failure = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.pipeline.run(instead: { self.failure(of: $0, $1) }, call: { await self.call($0, for: $1) })
            }
            let (allIdle, consumerStopped) = (Gate(), Gate())
            group.addTask(executorPreference: globalConcurrentExecutor) {
                await self.slotPool.run(self.jobs) { job, slot in await self.perform(job, in: slot) }
                allIdle.open()
            }
            group.addTask {
                await withTaskCancellationHandler {
                    await stopping.wait()
                } onCancel: {
                    stopping.open()
                }
                self.capacity.close()
                await self.consumer.stop()
                consumerStopped.open()
            }
            logger.info(
                "worker is ready",
                metadata: [
                    "broker": "\(worker.broker.name)", "queues": "\(worker.configuration.queues)",
                    "results": "\(worker.store?.name ?? "none")", "tasks": "\(worker.handlers.count)",
                ])
            onReady()
            let partsStopping = Gate()
            for part in worker.parts {
                group.addTask { await part.run(beside: WorkerControl(session: self), until: partsStopping) }
            }
            let failure = await consume()
            stopping.open()
            await stop(consumerStopped: consumerStopped, allIdle: allIdle)
            partsStopping.open()
            return failure
        }
        if let failure { throw failure }
    }

    // MARK: Taking messages

    /// Takes messages for as long as there are any to take.
    ///
    /// - Returns: why the consumer gave up, or nil after a stop.
    private func consume() async -> (any Error)? {
        var generation: UInt64 = 0
        while true {
            let room = await capacity.room()
            guard room > 0 else { return nil }
            do {
                let deliveries = try await consumer.next(atMost: room)
                if deliveries.isEmpty { return nil }
                capacity.take(deliveries.count)
                if let latest = deliveries.last?.receipt.generation, latest != generation {
                    // What waits for its time and was given back with an earlier connection comes again.
                    generation = latest
                    shelf.remove { !self.consumer.isHeld($0.receipt) }.forEach(forget)
                    limited.remove { !self.consumer.isHeld($0.receipt) }.forEach(dropUnheld)
                }
                accept(deliveries)
                try await tellHeld()
            } catch {
                logger.error("the consumer gave up", metadata: ["error": "\(error)"])
                return error
            }
        }
    }

    private func accept(_ deliveries: [Delivery]) {
        var ready: [Job] = []
        ready.reserveCapacity(deliveries.count)
        for delivery in deliveries {
            do {
                if let job = try job(for: delivery) { ready.append(job) }
            } catch {
                park(delivery, fault: error)
            }
        }
        jobs.push(ready)
    }

    /// The job to run now, or nil if the delivery is dealt with otherwise.
    private func job(for delivery: Delivery) throws(MessageFault) -> Job? {
        if delivery.attempts >= worker.configuration.maximumAttempts {
            throw MessageFault(
                reason: "tooManyAttempts",
                detail: "delivered \(delivery.attempts) times before without having been settled")
        }
        let request = try worker.dialect.request(of: delivery.content.get(), delivery: delivery)
        guard let registration = registrations[request.name] else {
            finishUnregistered(request, receipt: delivery.receipt)
            return nil
        }
        let acknowledgement = registration.handler.options.acknowledgement ?? worker.configuration.acknowledgement
        let job = Job(
            request: request, registration: registration, receipt: delivery.receipt,
            acknowledgesEarly: acknowledgement == .early)
        if let expires = request.expires, expires < worker.timers.now {
            finish(job, .expired)
            return nil
        }
        if isRevoked(request) {
            finish(job, .revoked(.revoked))
            return nil
        }
        notify(.received(request))
        if let eta = request.eta {
            let delay = eta.timeIntervalSince(worker.timers.now)
            if delay > 0 {
                // It waits beside the window: others may be taken meanwhile.
                capacity.release(1)
                // A century is as good as for ever, and within what every clock can count.
                shelf.put(job, delay: .seconds(min(delay, 3_155_760_000)), timers: worker.timers) { job in
                    guard self.consumer.isHeld(job.receipt) else { return self.forget(job) }
                    self.capacity.take(1)
                    if self.admit(job) { self.jobs.push(CollectionOfOne(job)) }
                }
                return nil
            }
        }
        return admit(job) ? job : nil
    }

    /// A job is not run here, since its message was given back by a lost connection and is delivered again.
    func dropUnheld(_ job: Job) {
        forget(job)
        capacity.release(1)
    }

    private func forget(_ job: Job) {
        logger.debug("a message was given back before its task began", metadata: ["task-id": "\(job.request.id)"])
    }

    private func park(_ delivery: Delivery, fault: MessageFault) {
        logger.error(
            "message parked",
            metadata: ["queue": "\(delivery.queue)", "reason": "\(fault.reason)", "detail": "\(fault.detail)"])
        pipeline.submit(
            Plan(receipt: delivery.receipt, taskID: "", endsJob: true, effects: [.settle(.park(fault))]))
    }

    // MARK: Stopping

    private func giveBack(_ jobs: [Job]) async {
        do {
            try await consumer.giveBack(jobs.map(\.receipt))
        } catch {
            logger.warning(
                "could not give messages back yet", metadata: ["error": "\(error)", "messages": "\(jobs.count)"])
        }
    }

    private func stop(consumerStopped: Gate, allIdle: Gate) async {
        slotPool.close()
        let waiting = jobs.close() + limited.close()
        let shelved = shelf.close()
        logger.info(
            "worker is stopping",
            metadata: [
                "running": "\(activeCount)", "waiting": "\(waiting.count)",
                "eta": "\(shelved.count)",
            ])
        let isCancelled = Task.isCancelled
        let deadline = worker.timers.schedule(after: isCancelled ? .zero : worker.configuration.stopTimeout) {
            self.slotPool.slots.forEach { $0.cancelCurrentJob() }
        }
        // At once, so that other workers need not wait for what runs here still; but not to this one.
        await consumerStopped.wait()
        await giveBack(waiting + shelved)
        await allIdle.wait()
        deadline.cancel()
        pipeline.stopRetrying()
        await pipeline.drain()
        do {
            try await consumer.close()
        } catch {
            logger.error("could not give messages back", metadata: ["error": "\(error)"])
        }
        pipeline.close()
        logger.info("worker has stopped")
    }
}
