import CeleriacCore
import CeleriacQueues
import CeleriacWire
import CeleryWire
import Logging
import NIOConcurrencyHelpers
import NIOCore

/// Claims message files by moving them to its own folder, which stays locked while the consumer lives.
final class CeleryFilesystemConsumer: MessageConsumer {
    struct Held: Sendable {
        let queue: String
        /// The file's name, which changes when a beginning is counted.
        var file: String
        /// Nil if the file cannot be read.
        let payload: [UInt8]?
        /// How often it was begun after it had come back; nil if it has not come back from a worker that ended.
        var attempts: Int?
        /// Whether this consumer has counted that the message begins.
        var isCounted = false
        /// Whether the message may be what killed a process.
        var isSuspect = false

        /// The count without a beginning that ends in good order.
        var attemptsBefore: Int? { isCounted ? attempts.map { max(0, $0 - 1) } : attempts }
    }
    struct State {
        var ledger = ClaimLedger<Held, Never>()
        /// Names of files that could not be claimed. They have been logged.
        var refused: Set<String> = []
        var change = Gate()
        var looks = Looks()
        /// Whose turn it is among the messages that may have killed a process.
        var turn: SuspectTurn
        /// The tags of messages that a stop has given back, or tried to, while they waited for their turn.
        var unbegun: Set<UInt64> = []
        var isStopped = false
        var watch: DirectoryWatch?
        var lock: Int32?
    }

    private let broker: CeleryFilesystemBroker
    private let folder: String
    private let queues: [String]
    private let nodeName: String
    private let news: ConsumerNews
    private let logger: Logger
    let timers: EventLoopTimerSource
    private let eventLoop: any EventLoop
    private let id = randomUUID()
    let state: NIOLockedValueBox<State>

    init(broker: CeleryFilesystemBroker, options: ConsumerOptions) {
        self.broker = broker
        self.folder = broker.options.dataFolderIn
        self.queues = options.queues.map(\.name)
        self.nodeName = options.nodeName
        self.news = options.news
        self.logger = broker.logger
        self.eventLoop = broker.eventLoopGroup.next()
        self.timers = EventLoopTimerSource(eventLoop: eventLoop)
        self.state = NIOLockedValueBox(State(turn: SuspectTurn(maximumAttempts: options.maximumAttempts)))
    }

    /// The folder of claims. Python's readers ignore it, because they look only at files that end in `.msg`.
    private var claims: String { "\(folder)/.celeriac" }
    var ownClaims: String { "\(claims)/\(id)" }

    func start() async throws {
        for queue in queues { try FileStore.validateName(queue) }
        let (claims, ownClaims) = (claims, ownClaims)
        let defined = queues.compactMap(broker.queues.queue)
        let lock = try await FileStore.blocking {
            for queue in defined { try self.broker.bind(queue) }
            try FileStore.makeFolder(ownClaims)
            return try FileStore.lock("\(claims)/\(self.id).lock")
        }
        state.withLockedValue { $0.lock = lock }
        try await restoreAbandonedClaims()
        let folders = Set([folder, broker.options.dataFolderOut] + queues.map { "\(folder)/\($0).parked" })
        try await FileStore.blocking { for folder in folders { FileStore.sweep(folder) } }
        let watch = await DirectoryWatch.start(folder, eventLoop: eventLoop) { [weak self] in self?.wake() }
        state.withLockedValue { $0.watch = watch }
    }

    private func wake() {
        let gate = state.withLockedValue { state in
            defer { state.change = Gate() }
            return state.change
        }
        gate.open()
    }

    // MARK: Taking

    func next(atMost limit: Int) async throws -> [Delivery] {
        // A folder that is back is read within five seconds.
        var backoff = Backoff(maximum: .seconds(5))
        var isAway = false
        state.withLockedValue { $0.looks.end() }
        while true {
            // Get the gate first: a file that arrives while the folder is read opens it.
            let (gate, isStopped) = state.withLockedValue { state in
                state.looks.begin()
                return (state.change, state.isStopped)
            }
            if isStopped { return [] }
            let files: [(queue: String, file: String)]
            do {
                files = try await FileStore.blocking { try self.claim(atMost: limit) }
            } catch let error as CeleriacError where error.code == .unavailable && !Task.isCancelled {
                // A server of folders may be away for a while, or the process may have too many files open.
                if !isAway {
                    logger.warning(
                        "cannot read the folder of messages, trying again",
                        metadata: ["broker": "\(broker.name)", "error": "\(error)"])
                }
                isAway = true
                let timer = timers.schedule(after: backoff.next()) { [weak self] in self?.wake() }
                await gate.wait()
                timer.cancel()
                continue
            }
            if isAway {
                isAway = false
                backoff.reset()
                logger.notice("the folder of messages can be read again", metadata: ["broker": "\(broker.name)"])
                news.isBack?()
            }
            let deliveries = try await deliver(files)
            if !deliveries.isEmpty { return deliveries }
            guard files.isEmpty else { continue }
            state.withLockedValue { $0.looks.end() }
            await gate.wait()
        }
    }

    func catchUp() async {
        guard let look = state.withLockedValue({ $0.isStopped ? nil : $0.looks.ask() }) else { return }
        wake()
        try? await look.waitUnlessCancelled()
    }

    private func claim(atMost limit: Int) throws -> [(queue: String, file: String)] {
        var claimed: [(queue: String, file: String)] = []
        var refused: Set<String> = []
        for name in try FileStore.names(in: folder) where claimed.count < limit {
            guard name.hasSuffix(".msg"),
                let queue = queues.first(where: { CeleryFilesystemBroker.isMessage(name, ofQueue: $0) })
            else {
                continue
            }
            do {
                if try FileStore.claim("\(folder)/\(name)", as: "\(ownClaims)/\(name)") {
                    claimed.append((queue, name))
                }
            } catch {
                refused.insert(name)
                guard !state.withLockedValue({ $0.refused.contains(name) }) else { continue }
                logger.error("skipping a message file that cannot be claimed", metadata: ["error": "\(error)"])
            }
        }
        let logged = refused
        state.withLockedValue { $0.refused = logged }
        return claimed
    }

    private func deliver(_ files: [(queue: String, file: String)]) async throws -> [Delivery] {
        var deliveries: [Delivery] = []
        for (queue, file) in files {
            guard let (payload, envelope) = try await read("\(ownClaims)/\(file)") else {
                // The consumer has stopped or the task is cancelled. The next worker waits for the rest of the file.
                try await FileStore.blocking { [ownClaims, folder] in
                    try FileStore.move("\(ownClaims)/\(file)", to: "\(folder)/\(file)")
                }
                continue
            }
            let attempts = FileAttempts.count(in: file)
            let tag = state.withLockedValue { state in
                var held = Held(queue: queue, file: file, payload: payload, attempts: attempts)
                held.isSuspect = state.turn.isSuspect(attempts: attempts ?? 0, hasComeBack: attempts != nil)
                return state.ledger.hold(held)
            }
            let receipt = Receipt(generation: 0, tag: tag)
            switch envelope {
            case .success(let envelope):
                var delivery = envelope.delivery(from: queue, receipt: receipt)
                if let attempts { (delivery.redelivered, delivery.attempts) = (true, attempts) }
                deliveries.append(delivery)
            case .failure(let fault):
                deliveries.append(
                    KombuEnvelope.unread(payload, fault, limits: broker.limits, from: queue, receipt: receipt))
            }
        }
        return deliveries
    }

    /// Reads a claimed file. Python writes files in place, so a file may be claimed before it is complete. In that case
    /// it is read again for two seconds, unless it is older than that.
    ///
    /// - Returns: Its content and its envelope; nil if the consumer stopped or the task was cancelled in the meantime.
    private func read(_ path: String) async throws -> (payload: [UInt8]?, Result<KombuEnvelope, MessageFault>)? {
        var waited = Duration.zero
        while true {
            let (content, age) = try await FileStore.blocking {
                (Result { () throws(CeleriacError) in try FileStore.read(path) ?? [] }, FileStore.age(of: path))
            }
            let payload: [UInt8]
            switch content {
            case .success(let bytes): payload = bytes
            case .failure(let error):
                return (nil, .failure(MessageFault(reason: "unreadableFile", detail: error.message)))
            }
            do {
                return (payload, .success(try KombuEnvelope.decode(payload, limits: broker.limits)))
            } catch {
                // Another machine may have set the file's time, so this process's clock decides how long to wait.
                guard waited < .seconds(2), let age, age < 2 else { return (payload, .failure(MessageFault(error))) }
                if state.withLockedValue({ $0.isStopped }) { return nil }
                // Cancelled: put back like any file at a stop, and those claimed with it are still delivered.
                do { try await timers.sleep(for: .milliseconds(20)) } catch { return nil }
                waited += .milliseconds(20)
            }
        }
    }

    /// Puts back the claims of workers that have ended, marked as messages that have come back.
    private func restoreAbandonedClaims() async throws {
        let restored = try await FileStore.blocking {
            var restored = 0
            for name in try FileStore.names(in: self.claims) where name.hasSuffix(".lock") && name != "\(self.id).lock"
            {
                // One failure must not keep the other claims from being restored.
                do {
                    restored += try self.restore(name)
                } catch {
                    self.logger.error("could not restore all claims of a worker", metadata: ["error": "\(error)"])
                }
            }
            return restored
        }
        if restored > 0 {
            logger.notice("restored messages of workers that have ended", metadata: ["messages": "\(restored)"])
        }
    }

    /// Puts back the claims of the worker that had a lock, if that worker has ended.
    ///
    /// - Returns: The number of messages.
    private func restore(_ lock: String) throws -> Int {
        guard let descriptor = try FileStore.lock("\(claims)/\(lock)") else { return 0 }
        defer { FileStore.unlock(descriptor) }
        let abandoned = "\(claims)/\(lock.dropLast(5))"
        let files = FileStore.exists(abandoned) ? try FileStore.names(in: abandoned) : []
        for file in files {
            let marked = FileAttempts.name(file, counting: FileAttempts.count(in: file) ?? 0)
            try? FileStore.move("\(abandoned)/\(file)", to: "\(folder)/\(marked)")
        }
        // This fails if a claim was left behind. The lock stays for it.
        try FileStore.removeFolder(abandoned)
        try FileStore.remove("\(claims)/\(lock)")
        return files.count
    }

    // MARK: Ending

    func settle(_ settlements: [Settlement]) async throws {
        state.withLockedValue { state in
            state.ledger.note(settlements)
            for settlement in settlements { state.turn.end(settlement.receipt.tag) }
        }
        try await settle(settlements.map(\.receipt.tag))
    }

    private func settle(_ tags: [UInt64]) async throws {
        try await end(tags) { tag throws(CeleriacError) in
            for (_, held, disposition) in self.state.withLockedValue({ $0.ledger.noted([tag]) }) {
                try self.settle(held, disposition)
            }
        }
    }

    /// Ends claims one by one. A claim that cannot be ended stays held, and does not hold up the others.
    ///
    /// - Throws: The first failure.
    private func end(
        _ tags: [UInt64], by action: @escaping @Sendable (UInt64) throws(CeleriacError) -> Void
    ) async throws {
        try await FileStore.blocking {
            var failure: CeleriacError?
            for tag in tags {
                do throws(CeleriacError) {
                    try action(tag)
                    self.state.withLockedValue { state in
                        state.ledger.forget([tag])
                        state.turn.end(tag)
                    }
                } catch {
                    failure = failure ?? error
                }
            }
            if let failure { throw failure }
        }
    }

    private func settle(_ held: Held, _ disposition: Settlement.Disposition) throws(CeleriacError) {
        let claim = "\(ownClaims)/\(held.file)"
        switch disposition {
        case .acknowledge, .reject:
            try FileStore.remove(claim)
        case .requeue:
            // A new name puts it behind the others, as Python's requeue does.
            if let payload = held.payload,
                let envelope = try? KombuEnvelope.markedRedelivered(payload, limits: broker.limits)
            {
                try CeleryFilesystemBroker.write(
                    envelope, queue: held.queue, folder: folder, attempts: held.attemptsBefore)
                try FileStore.remove(claim)
            } else {
                try giveBack(held)
            }
        case .park(let fault):
            try park(held, fault, claim: claim)
        }
    }

    private func park(_ held: Held, _ fault: MessageFault, claim: String) throws(CeleriacError) {
        let record = ParkedMessage(
            queue: held.queue, message: held.payload ?? [], reason: fault.reason, detail: fault.detail,
            time: timers.now, worker: nodeName, failureIsStored: fault.failureIsStored)
        try FilesystemParkedMessages(folder: folder, queue: held.queue, limits: broker.limits)
            .park(record, file: claim, unread: held.payload == nil)
    }

    func giveBack(_ receipts: [Receipt]) async throws {
        let tags = state.withLockedValue { $0.ledger.unended(among: receipts.map(\.tag)).map(\.serial) }
        // Under their old names the messages are delivered again in their old order.
        try await end(tags) { tag throws(CeleriacError) in
            guard let held = self.state.withLockedValue({ $0.ledger[tag] }) else { return }
            try self.giveBack(held)
        }
    }

    /// Puts a message back that was not begun, or ended in good order. That is no attempt.
    private func giveBack(_ held: Held) throws(CeleriacError) {
        let name = FileAttempts.name(held.file, counting: held.attemptsBefore)
        try FileStore.move("\(ownClaims)/\(held.file)", to: "\(folder)/\(name)")
    }

    func stop() async {
        let gate = state.withLockedValue { state in
            state.isStopped = true
            state.looks.close()
            state.turn.wake()
            return state.change
        }
        gate.open()
    }

    func close() async throws {
        await stop()
        let (ledger, watch, lock) = state.withLockedValue { state in
            defer { state.lock = nil }
            return (state.ledger, state.watch, state.lock)
        }
        watch?.stop()
        // What is left belongs to the next worker, which can take it only once the lock is free.
        defer { if let lock { FileStore.unlock(lock) } }
        var failure: (any Error)?
        do {
            try await settle(ledger.unsettled)
        } catch {
            failure = error
        }
        try await giveBack(ledger.unended.map { Receipt(generation: 0, tag: $0) })
        if let failure { throw failure }
        let passing = queues.compactMap(broker.queues.queue).filter(\.isAutoDeleted)
        try await FileStore.blocking { [broker, claims, ownClaims, id] in
            for queue in passing { try broker.unbind(queue) }
            try FileStore.removeFolder(ownClaims)
            try FileStore.remove("\(claims)/\(id).lock")
        }
    }
}

extension CeleryFilesystemConsumer: HealthChecked {
    func checkHealth() async throws {
        let folders = [folder, ownClaims]
        try await FileStore.blocking { for folder in folders { try FileStore.checkWritable(folder) } }
    }
}
