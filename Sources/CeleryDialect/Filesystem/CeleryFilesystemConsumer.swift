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
        let payload: [UInt8]
    }
    private struct State {
        var held: [UInt64: Held] = [:]
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
            if !files.isEmpty { return try await deliver(files) }
            await gate.wait()
        }
    }

    private func claim(atMost limit: Int) throws -> [(queue: String, file: String)] {
        var claimed: [(queue: String, file: String)] = []
        for name in try FileStore.names(in: folder) where claimed.count < limit {
            guard name.hasSuffix(".msg"), let queue = queues.first(where: { Self.isFile(name, ofQueue: $0) }) else {
                continue
            }
            if try FileStore.claim("\(folder)/\(name)", as: "\(ownClaims)/\(name)") {
                claimed.append((queue, name))
            }
        }
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
            let (payload, envelope) = try await read("\(ownClaims)/\(file)")
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
    /// read again for as long as it is young.
    private func read(_ path: String) async throws -> ([UInt8], Result<KombuEnvelope, MessageFault>) {
        while true {
            let (payload, age) = try await FileStore.blocking {
                (try FileStore.read(path) ?? [], FileStore.age(of: path))
            }
            do {
                return (payload, .success(try KombuEnvelope.decode(payload)))
            } catch {
                guard let age, age < 2 else { return (payload, .failure(MessageFault(error))) }
                try await timers.sleep(for: .milliseconds(20))
            }
        }
    }

    /// Puts back what workers had claimed that are no more.
    private func restoreAbandonedClaims() async throws {
        let restored = try await FileStore.blocking {
            var restored = 0
            for name in try FileStore.names(in: self.claims) where name.hasSuffix(".lock") && name != "\(self.id).lock"
            {
                let lock = "\(self.claims)/\(name)"
                guard let descriptor = try FileStore.lock(lock) else { continue }
                defer { FileStore.unlock(descriptor) }
                let abandoned = "\(self.claims)/\(name.dropLast(5))"
                for file in FileStore.exists(abandoned) ? try FileStore.names(in: abandoned) : [] {
                    try FileStore.move("\(abandoned)/\(file)", to: "\(self.folder)/\(file)")
                    restored += 1
                }
                try? FileStore.removeFolder(abandoned)
                try FileStore.remove(lock)
            }
            return restored
        }
        if restored > 0 {
            logger.notice("restored messages of workers that are no more", metadata: ["messages": "\(restored)"])
        }
    }

    // MARK: Ending

    func settle(_ settlements: [Settlement]) async throws {
        let work = state.withLockedValue { state in
            settlements.compactMap { settlement in
                state.held.removeValue(forKey: settlement.receipt.tag).map { ($0, settlement.disposition) }
            }
        }
        try await FileStore.blocking {
            for (held, disposition) in work { try self.settle(held, disposition) }
        }
    }

    private func settle(_ held: Held, _ disposition: Settlement.Disposition) throws {
        let claim = "\(ownClaims)/\(held.file)"
        switch disposition {
        case .acknowledge, .reject:
            try FileStore.remove(claim)
        case .requeue:
            // A new name: it goes behind the others, as Python's requeue does.
            if let envelope = try? KombuEnvelope.markedRedelivered(held.payload) {
                try CeleryFilesystemBroker.write(envelope, queue: held.queue, folder: folder)
                try FileStore.remove(claim)
            } else {
                try FileStore.move(claim, to: "\(folder)/\(held.file)")
            }
        case .park(let fault):
            let parked = "\(folder)/\(held.queue).parked"
            let record = ParkedMessage(
                payload: held.payload, fault: fault, queue: held.queue, worker: nodeName, time: timers.now)
            try FileStore.makeFolder(parked)
            try FileStore.write(record.encoded, to: "\(parked)/\(held.file).json", temporaryName: ".\(held.file).tmp")
            try FileStore.remove(claim)
        }
    }

    func giveBack(_ receipts: [Receipt]) async throws {
        let held = state.withLockedValue { state in receipts.compactMap { state.held.removeValue(forKey: $0.tag) } }
        let (ownClaims, folder) = (ownClaims, folder)
        try await FileStore.blocking {
            // Under their old names they are served again in their old order.
            for message in held { try FileStore.move("\(ownClaims)/\(message.file)", to: "\(folder)/\(message.file)") }
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
        let (held, watch, lock) = state.withLockedValue { state in
            defer { state.lock = nil }
            return (state.held.keys.map { Receipt(generation: 0, tag: $0) }, state.watch, state.lock)
        }
        watch?.stop()
        try await giveBack(held)
        let (claims, ownClaims, id) = (claims, ownClaims, id)
        try await FileStore.blocking {
            try FileStore.removeFolder(ownClaims)
            try FileStore.remove("\(claims)/\(id).lock")
            if let lock { FileStore.unlock(lock) }
        }
    }
}
