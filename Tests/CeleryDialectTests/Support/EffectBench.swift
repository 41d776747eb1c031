import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire

import struct FoundationEssentials.Date

/// A worker as a dialect sees it, at `2026-11-23T12:30:15+00:00`.
struct EffectBench {
    static let now = Date(timeIntervalSince1970: 1_795_437_015)
    static let time = "2026-11-23T12:30:15+00:00"

    let formats: CeleryFormats

    /// The request that a worker reads from a task's message.
    func request(of message: WireMessage, queue: String = "math") throws -> TaskRequest {
        try formats.request(
            of: message,
            delivery: Delivery(
                content: .failure(MessageFault(reason: "", detail: "")), queue: queue,
                receipt: Receipt(generation: 0, tag: 1)))
    }

    static func context(
        _ options: TaskOptions = TaskOptions(), storesResult: Bool = true, expiry: Duration? = .seconds(60),
        children: [ResultReference] = [], errorHandlers: Set<String> = []
    ) -> EffectContext {
        EffectContext(
            nodeName: "w@h", now: now, storesResult: storesResult, taskOptions: options, resultExpiry: expiry,
            children: children, errorHandlers: errorHandlers,
            publication: PublicationContext(
                now: now, replyTo: "", defaultQueue: "celery", routes: [:], countsChords: true, resultExpiry: expiry))
    }
}

extension [Effect] {
    /// The messages that are published, in order.
    func messages() throws -> [CeleryTaskMessage] {
        try flatMap { effect -> [OutgoingMessage] in
            if case .publish(let messages) = effect { messages } else { [] }
        }
        .map { try CeleryTaskMessage.decode($0.message) }
    }

    /// The states that are stored, in order.
    func stored() throws -> [CeleryResultMeta] {
        try compactMap { effect in
            if case .store(let record) = effect { try CeleryResultMeta.decode(record.payload) } else { nil }
        }
    }

    /// The parts for chords, in order.
    var parts: [ChordPart] {
        compactMap { effect in if case .chord(.add(let part)) = effect { part } else { nil } }
    }
}
