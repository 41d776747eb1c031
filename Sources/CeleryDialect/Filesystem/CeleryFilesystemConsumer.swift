import CeleriacCore
import CeleriacQueues
import CeleriacWire
import CeleryWire
import Logging
import NIOConcurrencyHelpers
import NIOCore

/// Claims message files by moving them to its own folder, which stays locked while the consumer lives.
final class CeleryFilesystemConsumer: MessageConsumer {
    private struct Held: Sendable {
        let queue: String
        let file: String
        /// Nil if the file cannot be read.
        let payload: [UInt8]?
    }
    private struct State {
        var ledger = ClaimLedger<Held, Never>()
        /// Names of files that could not be claimed. They have been logged.
        var refused: Set<String> = []
        var change = Gate()
        var looks = Looks()
        var isStopped = false
        var watch: DirectoryWatch?
        var lock: Int32?
    }

    private let broker: CeleryFilesystemBroker
    private let folder: String
    private let queues: [String]
    private let nodeName: String
    private let logger: Logger
    private let timers: EventLoopTimerSource
    private let eventLoop: any EventLoop
    private let id = randomUUID()
    private let state = NIOLockedValueBox(State())

    init(broker: CeleryFilesystemBroker, options: ConsumerOptions) {
        self.broker = broker
        self.folder = broker.options.dataFolderIn
        self.queues = options.queues.map(\.name)
        self.nodeName = options.nodeName
        self.logger = broker.logger
        self.eventLoop = broker.eventLoopGroup.next()
        self.timers = EventLoopTimerSource(eventLoop: eventLoop)
    }

    /// The folder of claims. Python's readers ignore it, because they look only at files that end in `.msg`.
    private var claims: String { "\(folder)/.celeriac" }
    private var ownClaims: String { "\(claims)/\(id)" }

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
        state.withLockedValue { $0.looks.end() }
        while true {
            // Get the gate first: a file that arrives while the folder is read opens it.
            let (gate, isStopped) = state.withLockedValue { state in
                state.looks.begin()
                return (state.change, state.isStopped)
            }
            if isStopped { return [] }
            let files = try await FileStore.blocking { try self.claim(atMost: limit) }
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
            let tag = state.withLockedValue { $0.ledger.hold(Held(queue: queue, file: file, payload: payload)) }
            let receipt = Receipt(generation: 0, tag: tag)
            switch envelope {
            case .success(let envelope):
                deliveries.append(envelope.delivery(from: queue, receipt: receipt))
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

    /// Puts back the claims of workers that have ended.
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
        for file in files { try? FileStore.move("\(abandoned)/\(file)", to: "\(folder)/\(file)") }
        // This fails if a claim was left behind. The lock stays for it.
        try FileStore.removeFolder(abandoned)
        try FileStore.remove("\(claims)/\(lock)")
        return files.count
    }

    // MARK: Ending

    func settle(_ settlements: [Settlement]) async throws {
        state.withLockedValue { $0.ledger.note(settlements) }
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
                    self.state.withLockedValue { $0.ledger.forget([tag]) }
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
                try CeleryFilesystemBroker.write(envelope, queue: held.queue, folder: folder)
                try FileStore.remove(claim)
            } else {
                try FileStore.move(claim, to: "\(folder)/\(held.file)")
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
        let (ownClaims, folder) = (ownClaims, folder)
        // Under their old names the messages are delivered again in their old order.
        try await end(receipts.map(\.tag)) { tag throws(CeleriacError) in
            guard let held = self.state.withLockedValue({ $0.ledger[tag] }) else { return }
            try FileStore.move("\(ownClaims)/\(held.file)", to: "\(folder)/\(held.file)")
        }
    }

    func stop() async {
        let gate = state.withLockedValue { state in
            state.isStopped = true
            state.looks.close()
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
