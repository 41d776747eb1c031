import CeleriacCore
import CeleriacWire
import CeleryWire
import Logging
import NIOConcurrencyHelpers
import NIOCore

/// Claims message files by moving them to a folder of its own, which is locked while the consumer lives.
final class CeleryFilesystemConsumer: MessageConsumer {
    private struct Held: Sendable {
        let queue: String
        let file: String
        /// Nil where the file cannot be read.
        let payload: [UInt8]?
    }
    private struct State {
        var held: [UInt64: Held] = [:]
        /// How held messages ended whose files could not be moved or removed: they are never given back.
        var unsettled: [UInt64: Settlement.Disposition] = [:]
        /// Names that could not be claimed, of which was told.
        var refused: Set<String> = []
        var nextTag: UInt64 = 1
        var change = Gate()
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
    private let id = CeleryID.random()
    private let state = NIOLockedValueBox(State())

    init(broker: CeleryFilesystemBroker, options: ConsumerOptions) {
        self.broker = broker
        self.folder = broker.options.dataFolderIn
        self.queues = options.queues
        self.nodeName = options.nodeName
        self.logger = broker.logger
        self.eventLoop = broker.eventLoopGroup.next()
        self.timers = EventLoopTimerSource(eventLoop: eventLoop)
    }

    /// Where claims lie. Python's readers look at files that end in `.msg` only.
    private var claims: String { "\(folder)/.celeriac" }
    private var ownClaims: String { "\(claims)/\(id)" }

    func start() async throws {
        for queue in queues { try FileStore.validateName(queue) }
        let (claims, ownClaims) = (claims, ownClaims)
        let lock = try await FileStore.blocking {
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
        while true {
            // The gate first: what comes while the folder is read opens it.
            let (gate, isStopped) = state.withLockedValue { ($0.change, $0.isStopped) }
            if isStopped { return [] }
            let files = try await FileStore.blocking { try self.claim(atMost: limit) }
            let deliveries = try await deliver(files)
            if !deliveries.isEmpty { return deliveries }
            if files.isEmpty { await gate.wait() }
        }
    }

    private func claim(atMost limit: Int) throws -> [(queue: String, file: String)] {
        var claimed: [(queue: String, file: String)] = []
        var refused: Set<String> = []
        for name in try FileStore.names(in: folder) where claimed.count < limit {
            guard name.hasSuffix(".msg"), let queue = queues.first(where: { Self.isFile(name, ofQueue: $0) }) else {
                continue
            }
            do {
                if try FileStore.claim("\(folder)/\(name)", as: "\(ownClaims)/\(name)") {
                    claimed.append((queue, name))
                }
            } catch {
                refused.insert(name)
                guard !state.withLockedValue({ $0.refused.contains(name) }) else { continue }
                logger.error("a message file is passed over: it cannot be claimed", metadata: ["error": "\(error)"])
            }
        }
        let told = refused
        state.withLockedValue { $0.refused = told }
        return claimed
    }

    /// Everything after a name's first dot tells the queue, whose name may have dots itself.
    private static func isFile(_ name: String, ofQueue queue: String) -> Bool {
        guard let dot = name.firstIndex(of: ".") else { return false }
        return name[name.index(after: dot)...] == "\(queue).msg"
    }

    private func deliver(_ files: [(queue: String, file: String)]) async throws -> [Delivery] {
        var deliveries: [Delivery] = []
        for (queue, file) in files {
            guard let (payload, envelope) = try await read("\(ownClaims)/\(file)") else {
                // Stopped: the next worker waits for the rest of it.
                try await FileStore.blocking { [ownClaims, folder] in
                    try FileStore.move("\(ownClaims)/\(file)", to: "\(folder)/\(file)")
                }
                continue
            }
            let tag = state.withLockedValue { state in
                defer { state.nextTag += 1 }
                state.held[state.nextTag] = Held(queue: queue, file: file, payload: payload)
                return state.nextTag
            }
            let receipt = Receipt(generation: 0, tag: tag)
            switch envelope {
            case .success(let envelope):
                deliveries.append(
                    Delivery(
                        content: .success(envelope.message), queue: queue, exchange: envelope.exchange,
                        routingKey: envelope.routingKey, redelivered: envelope.redelivered, receipt: receipt))
            case .failure(let fault):
                deliveries.append(Delivery(content: .failure(fault), queue: queue, receipt: receipt))
            }
        }
        return deliveries
    }

    /// Reads a claimed file. Python writes files in place, so that one may be claimed before it is complete: it is then
    /// read again for two seconds, unless it is older than that.
    ///
    /// - Returns: what is in it and what that means; nil where the consumer was stopped meanwhile.
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
                return (payload, .success(try KombuEnvelope.decode(payload)))
            } catch {
                // A time of change is the word of another machine: how long to wait is for this clock to say.
                guard waited < .seconds(2), let age, age < 2 else { return (payload, .failure(MessageFault(error))) }
                if state.withLockedValue({ $0.isStopped }) { return nil }
                try await timers.sleep(for: .milliseconds(20))
                waited += .milliseconds(20)
            }
        }
    }

    /// Puts back what workers had claimed that are no more.
    private func restoreAbandonedClaims() async throws {
        let restored = try await FileStore.blocking {
            var restored = 0
            for name in try FileStore.names(in: self.claims) where name.hasSuffix(".lock") && name != "\(self.id).lock"
            {
                // One that is in the way must not keep the others.
                do {
                    restored += try self.restore(name)
                } catch {
                    self.logger.error("cannot restore all claims of a worker", metadata: ["error": "\(error)"])
                }
            }
            return restored
        }
        if restored > 0 {
            logger.notice("restored messages of workers that are no more", metadata: ["messages": "\(restored)"])
        }
    }

    /// Puts back what the worker of a lock had claimed, if it is no more.
    ///
    /// - Returns: how many messages were.
    private func restore(_ lock: String) throws -> Int {
        guard let descriptor = try FileStore.lock("\(claims)/\(lock)") else { return 0 }
        defer { FileStore.unlock(descriptor) }
        let abandoned = "\(claims)/\(lock.dropLast(5))"
        let files = FileStore.exists(abandoned) ? try FileStore.names(in: abandoned) : []
        for file in files { try? FileStore.move("\(abandoned)/\(file)", to: "\(folder)/\(file)") }
        // Fails where one was left behind; the lock stays for it.
        try FileStore.removeFolder(abandoned)
        try FileStore.remove("\(claims)/\(lock)")
        return files.count
    }

    // MARK: Ending

    func settle(_ settlements: [Settlement]) async throws {
        try await settle(settlements.map { ($0.receipt.tag, $0.disposition) })
    }

    private func settle(_ endings: [(tag: UInt64, disposition: Settlement.Disposition)]) async throws {
        try await end(endings.map(\.tag)) { index, held throws(CeleriacError) in
            do throws(CeleriacError) {
                try self.settle(held, endings[index].disposition)
            } catch {
                self.state.withLockedValue { $0.unsettled[endings[index].tag] = endings[index].disposition }
                throw error
            }
        }
    }

    /// Ends claims one by one. One that cannot be ended stays held, and must not keep the others.
    ///
    /// - Throws: the first failure.
    private func end(
        _ tags: [UInt64], by action: @escaping @Sendable (Int, Held) throws(CeleriacError) -> Void
    ) async throws {
        try await FileStore.blocking {
            var failure: CeleriacError?
            for (index, tag) in tags.enumerated() {
                guard let held = self.state.withLockedValue({ $0.held[tag] }) else { continue }
                do throws(CeleriacError) {
                    try action(index, held)
                    self.state.withLockedValue { state in
                        state.held[tag] = nil
                        state.unsettled[tag] = nil
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
            // A new name: it goes behind the others, as Python's requeue does.
            if let payload = held.payload, let envelope = try? KombuEnvelope.markedRedelivered(payload) {
                try CeleryFilesystemBroker.write(envelope, queue: held.queue, folder: folder)
                try FileStore.remove(claim)
            } else {
                try FileStore.move(claim, to: "\(folder)/\(held.file)")
            }
        case .park(let fault):
            try park(held, fault, claim: claim)
        }
    }

    /// Keeps a message aside in the queue's folder; what cannot be read is moved there as it is.
    private func park(_ held: Held, _ fault: MessageFault, claim: String) throws(CeleriacError) {
        let parked = "\(folder)/\(held.queue).parked"
        // A file's name has 255 bytes, and the record's has an ending more.
        let isShort = held.file.utf8.count <= 250
        let name =
            isShort ? held.file : "\(String(decoding: held.file.utf8.prefix(200), as: UTF8.self))-\(CeleryID.random())"
        let record = ParkedMessage(
            payload: held.payload ?? [], fault: fault, queue: held.queue, worker: nodeName, time: timers.now)
        try FileStore.makeFolder(parked)
        try FileStore.write(
            record.encoded, to: "\(parked)/\(name).json", temporaryName: ".\(CeleryID.random()).tmp")
        if held.payload == nil {
            try FileStore.move(claim, to: "\(parked)/\(name)")
        } else {
            try FileStore.remove(claim)
        }
    }

    func giveBack(_ receipts: [Receipt]) async throws {
        let (ownClaims, folder) = (ownClaims, folder)
        // Under their old names they are served again in their old order.
        try await end(receipts.map(\.tag)) { _, held throws(CeleriacError) in
            try FileStore.move("\(ownClaims)/\(held.file)", to: "\(folder)/\(held.file)")
        }
    }

    func stop() async {
        let gate = state.withLockedValue { state in
            state.isStopped = true
            return state.change
        }
        gate.open()
    }

    func close() async throws {
        await stop()
        let (unsettled, held, watch, lock) = state.withLockedValue { state in
            defer { state.lock = nil }
            let unsettled = state.unsettled
            let held = state.held.keys.filter { unsettled[$0] == nil }
            return (unsettled, held, state.watch, state.lock)
        }
        watch?.stop()
        // Whatever is left over belongs to the next worker, which can only take it once the lock is free.
        defer { if let lock { FileStore.unlock(lock) } }
        var failure: (any Error)?
        do {
            try await settle(unsettled.map { ($0.key, $0.value) })
        } catch {
            failure = error
        }
        try await giveBack(held.map { Receipt(generation: 0, tag: $0) })
        if let failure { throw failure }
        try await FileStore.blocking { [claims, ownClaims, id] in
            try FileStore.removeFolder(ownClaims)
            try FileStore.remove("\(claims)/\(id).lock")
        }
    }
}
