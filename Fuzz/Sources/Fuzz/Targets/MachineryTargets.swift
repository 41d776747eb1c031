@testable import CeleriacCore
@testable import CeleriacWire
@testable import MachineryDialect
@testable import MachineryWire

/// Machinery's messages and records. What was read is written so that it is read as the same.
let machineryTargets: [FuzzTarget] = [
    FuzzTarget("machinery-signature") { signature($0) },
    FuzzTarget("machinery-state") { bytes in
        guard let state = try? MachineryTaskState.decode(bytes) else { return }
        let written: [UInt8]
        do throws(MachineryWireError) {
            written = try state.encode()
        } catch {
            // A state is read as deep as Go reads, and its results are written as deep as arguments may be.
            require(error.code == .tooDeep, "a state is written with \(error)")
            return
        }
        let again = must("reading a state again") { () throws(MachineryWireError) in
            try MachineryTaskState.decode(written)
        }
        let rewritten = must("a state") { () throws(MachineryWireError) in try again.encode() }
        require(written == rewritten, "a state changes: \(state) \(again)")
    },
    FuzzTarget("machinery-group") { bytes in
        guard let group = try? MachineryGroupMeta.decode(bytes) else { return }
        let written = group.encode()
        let again = must("reading a group again") { () throws(MachineryWireError) in
            try MachineryGroupMeta.decode(written)
        }
        require(again.encode() == written, "a group changes: \(group) \(again)")
    },
]

private func signature(_ bytes: [UInt8]) {
    let remains = MachinerySignature.remains(of: bytes, limits: .default)
    guard let signature = try? MachinerySignature.decode(bytes) else { return }
    if !signature.uuid.isEmpty {
        require(remains?.uuid == signature.uuid, "the remains of a readable signature have another id")
    }
    let delivery = Delivery(
        content: .success(WireMessage(body: bytes)), queue: "q", exchange: "", routingKey: "q", redelivered: false,
        receipt: Receipt(generation: 1, tag: 1))
    _ = must("a request of a readable signature") { () throws(MessageFault) in
        try MachineryFormats(defaultRoutingKey: "q").request(of: WireMessage(body: bytes), delivery: delivery)
    }
    let isValid = (try? signature.validate()) != nil
    let converts = (try? signature.convertedArguments()) != nil
    if isValid { require(converts, "a valid signature has arguments that cannot be converted") }
    let written: [UInt8]
    do throws(MachineryWireError) {
        written = try signature.encode()
    } catch {
        require(error.code == .tooDeep, "a signature is written with \(error)")
        return
    }
    let again = must("reading a signature again") { () throws(MachineryWireError) in
        try MachinerySignature.decode(written)
    }
    let rewritten = must("a signature") { () throws(MachineryWireError) in try again.encode() }
    require(written == rewritten, "a signature changes: \(signature) \(again)")
}
