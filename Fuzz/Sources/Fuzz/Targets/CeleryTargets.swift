import FoundationEssentials

@testable import CeleriacCore
@testable import CeleriacQueues
@testable import CeleriacWire
@testable import CeleryDialect
@testable import CeleryWire

/// Celery's messages. What was read is written so that it is read as the same.
let celeryTargets: [FuzzTarget] = [
    FuzzTarget("envelope") { envelope($0) },
    FuzzTarget("task") { task($0) },
    FuzzTarget("canvas") { canvas($0) },
    FuzzTarget("result") { result($0) },
    FuzzTarget("event") { bytes in
        guard let events = try? CeleryEvent.decode(message(bytes), limits: limits) else { return }
        let written = must("a batch of events") { () throws(CeleryWireError) in
            try CeleryEvent.encode(batch: events, nodeName: "n")
        }
        let again = must("reading events again") { () throws(CeleryWireError) in try CeleryEvent.decode(written) }
        require(
            events.count == again.count && zip(events, again).allSatisfy { identical($0.wireValue, $1.wireValue) },
            "an event changes: \(events) \(again)")
    },
    FuzzTarget("control") { bytes in
        let message = message(bytes)
        // Names that are not text are for nobody; written as none they would be for everybody, as in Python.
        if let request = try? CeleryControlRequest.decode(message, limits: limits), request.destination != [] {
            let written = must("a control request") { () throws(CeleryWireError) in try request.encode() }
            let again = must("reading a control request again") { () throws(CeleryWireError) in
                try CeleryControlRequest.decode(written)
            }
            let rewritten = must("a control request") { () throws(CeleryWireError) in try again.encode() }
            require(identical(written, rewritten), "a control request changes: \(request) \(again)")
            if let pattern = request.pattern, let matcher = request.matcher {
                _ = try? NodePattern(pattern, matcher: matcher).matches("celery@host")
            }
        }
        if let reply = try? CeleryControlReply.decode(message, limits: limits) {
            let written = must("a control reply") { () throws(CeleryWireError) in try reply.encode() }
            let again = must("reading a control reply again") { () throws(CeleryWireError) in
                try CeleryControlReply.decode(written)
            }
            require(
                identical(reply.value, again.value) && identical(reply.nodeName, again.nodeName)
                    && reply.ticket == again.ticket && reply.clock == again.clock,
                "a control reply changes: \(reply) \(again)")
        }
    },
    FuzzTarget("parked") { bytes in
        let format = ParkedMessageFormat.celery
        guard let parked = format.decode(bytes, id: "id", queue: "queue") else { return }
        guard let again = format.decode(format.encode(parked), id: "id", queue: "queue") else {
            finding("a record of a parked message is not read back")
        }
        require(
            again.message == parked.message && identical(again.reason, parked.reason)
                && identical(again.detail, parked.detail) && again.time == parked.time,
            "a record of a parked message changes")
        guard let told = format.told(bytes) else { return }
        require(
            format.decode(told, id: "id", queue: "queue")?.failureIsStored == true, "a record does not keep its note")
    },
]

/// Limits that keep an input's cost small.
private let limits = WireLimits(maximumTokens: 20_000, maximumDecompressedBytes: 1 << 20)

/// The message of an envelope, or a message with the bytes as its JSON body.
private func message(_ bytes: [UInt8]) -> WireMessage {
    if let envelope = try? KombuEnvelope.decode(bytes, limits: limits) { return envelope.message }
    return WireMessage(
        headers: [:], properties: MessageProperties(contentType: "application/json", contentEncoding: "utf-8"),
        body: bytes)
}

private func envelope(_ bytes: [UInt8]) {
    let remains = KombuEnvelope.remains(of: bytes, limits: limits)
    guard let envelope = try? KombuEnvelope.decode(bytes, limits: limits) else { return }
    require(remains?.body == envelope.message.body, "the remains of a readable envelope have another body")
    let written = must("an envelope") { () throws(CeleryWireError) in try envelope.encode() }
    let again = must("reading an envelope again") { () throws(CeleryWireError) in try KombuEnvelope.decode(written) }
    let rewritten = must("an envelope") { () throws(CeleryWireError) in try again.encode() }
    require(written == rewritten, "an envelope changes: \(envelope) \(again)")
    require(
        again.message.body == envelope.message.body && identical(again.routingKey, envelope.routingKey)
            && identical(again.exchange, envelope.exchange) && identical(again.deliveryTag, envelope.deliveryTag)
            && again.redelivered == envelope.redelivered,
        "an envelope loses a part: \(envelope) \(again)")
    let marked = must("marking an envelope") { () throws(CeleryWireError) in
        try KombuEnvelope.decode(KombuEnvelope.markedRedelivered(bytes, limits: limits))
    }
    require(marked.redelivered && marked.message.body == envelope.message.body, "a mark changes an envelope")
}

private func task(_ bytes: [UInt8]) {
    let message = message(bytes)
    let formats = CeleryFormats(accept: [.json, .msgpack, .yaml], limits: limits, origin: "gen@fuzz")
    let delivery = Delivery(
        content: .success(message), queue: "celery", exchange: "", routingKey: "celery", redelivered: false,
        receipt: Receipt(generation: 1, tag: 1))
    let remains = formats.remains(of: message, delivery: delivery)
    let request = try? formats.request(of: message, delivery: delivery)
    if let request { require(remains?.request.id == request.id, "the remains of a readable task have another id") }
    guard let task = try? CeleryTaskMessage.decode(message, accept: formats.accept, limits: limits) else { return }
    let written: WireMessage
    do throws(CeleryWireError) {
        written = try task.encode(nonFinite: .allow)
    } catch {
        // What a worker takes from others is not always what it may write itself.
        require(
            [.unrepresentable, .invalidTask, .unknownCompression].contains(error.code),
            "a task is written with \(error)")
        return
    }
    let again = must("reading a task again") { () throws(CeleryWireError) in
        try CeleryTaskMessage.decode(written, accept: formats.accept)
    }
    require(
        identical(.array(again.args), .array(task.args)) && identical(again.kwargs, task.kwargs)
            && identical(again.id, task.id) && identical(again.task, task.task) && again.retries == task.retries
            && again.eta == task.eta && again.group == task.group,
        "a task changes: \(task) \(again)")
    let rewritten = must("a task again") { () throws(CeleryWireError) in try again.encode(nonFinite: .allow) }
    require(identical(rewritten.headers, written.headers), "a task's headers change: \(written) \(rewritten)")
}

private func canvas(_ bytes: [UInt8]) {
    guard let value = try? WireJSON.decode(bytes, limits: limits),
        let signature = try? CelerySignature.decode(value)
    else { return }
    let again = must("reading a signature again") { () throws(CeleryWireError) in
        try CelerySignature.decode(signature.encode())
    }
    require(identical(again.encode(), signature.encode()), "a signature changes")
    for ending in [CeleryChordEnding.counted, .unlocked, .impossible] {
        var count = 0
        var canvas = CeleryCanvas(
            lineage: CeleryLineage(rootID: "root", parentID: "parent", origin: "gen@fuzz"),
            now: Date(timeIntervalSince1970: 1_700_000_000), chords: ending
        ) {
            count += 1
            return "id-\(count)"
        }
        guard (try? canvas.apply(signature, args: [1])) != nil else { continue }
        for case .publish(let message, _) in canvas.steps {
            // A worker must be able to read what follows from a signature, if it can be written at all.
            guard let written = try? message.encode(nonFinite: .allow) else { continue }
            let read = must("reading a task of a canvas") { () throws(CeleryWireError) in
                try CeleryTaskMessage.decode(written)
            }
            require(identical(read.id, message.id), "a task of a canvas changes its id")
        }
    }
}

private func result(_ bytes: [UInt8]) {
    if let meta = try? CeleryResultMeta.decode(bytes, limits: limits) {
        _ = meta.dateDoneDate()
        _ = meta.exception
        if let children = meta.children?.arrayValue {
            for child in children { _ = try? CeleryResultTuple.decode(child) }
        }
        if !meta.taskID.isEmpty {
            let written = must("a result") { () throws(CeleryWireError) in try meta.encode(nonFinite: .allow) }
            let again = must("reading a result again") { () throws(CeleryWireError) in
                try CeleryResultMeta.decode(written)
            }
            require(identical(again.result, meta.result), "a result changes: \(meta.result) \(again.result)")
            let rewritten = must("a result") { () throws(CeleryWireError) in try again.encode(nonFinite: .allow) }
            require(rewritten == written, "a result's record changes: \(meta) \(again)")
        }
    }
    if let group = try? CeleryResultTuple.decodeGroup(bytes, limits: limits) {
        // An id alone is written as a reference, which is nested deeper.
        guard let written = try? group.encodeGroup(), let value = try? WireJSON.decode(written), value.depth <= 120
        else {
            return
        }
        let again = must("reading a stored group again") { () throws(CeleryWireError) in
            try CeleryResultTuple.decodeGroup(written)
        }
        require(identical(again.encode(), group.encode()), "a stored group changes")
    }
}
