package import CeleriacCore
package import CeleriacWire
import MachineryWire

import struct FoundationEssentials.Date

// What spans show: names and tags of Machinery's package `tracing`, which has OpenTracing's spans.
extension MachineryFormats {
    /// The task's name, with the tags of the signature.
    package func span(ofRun request: TaskRequest, nodeName: String) -> SpanForm {
        guard let signature = request.machinerySignature else { return SpanForm(request.name) }
        return SpanForm(signature.name, attributes: attributes(of: signature))
    }

    /// Whether it has failed, as OpenTracing's tag has it.
    package func attributes(of outcome: Outcome) -> WireObject {
        switch outcome {
        case .failure, .timedOut: ["error": true]
        default: [:]
        }
    }

    /// The headers to add to a signature. They are all text: a Go worker cannot publish numbers in headers again, and
    /// loses the task.
    func added(to signature: MachinerySignature, by outbound: Outbound, now: Date) -> WireObject {
        let headers = outbound.headers(
            of: signature.name, to: signature.routingKey, now: now,
            span: SpanForm("SendTask", attributes: attributes(of: signature)))
        var texts: WireObject = [:]
        for (name, value) in headers {
            if let number = value.int64Value { texts[name] = .string("\(number)") } else { texts[name] = value }
        }
        return texts
    }

    private func attributes(of signature: MachinerySignature) -> WireObject {
        var attributes: WireObject = [
            "component": "machinery", "signature.name": .string(signature.name),
            "signature.uuid": .string(signature.uuid),
        ]
        if !signature.groupUUID.isEmpty { attributes["signature.group.uuid"] = .string(signature.groupUUID) }
        if let callback = signature.chordCallback {
            attributes["signature.chord.callback.uuid"] = .string(callback.uuid)
            attributes["signature.chord.callback.name"] = .string(callback.name)
        }
        return attributes
    }
}

extension MachineryWorkflow {
    /// The tasks of the workflow, in its order; the callback of a chord comes last.
    package var nativeTasks: [NativeTask] {
        signatures.map { NativeTask(name: $0.name, id: $0.uuid, headers: $0.headers ?? [:]) }
    }

    /// The workflow with other headers.
    package func with(headers: [WireObject]) -> any NativeSignature {
        var rest = headers[...]
        func changed(_ signature: MachinerySignature) -> MachinerySignature {
            guard let headers = rest.popFirst() else { return signature }
            var signature = signature
            if signature.headers != nil || !headers.isEmpty { signature.headers = headers }
            return signature
        }
        switch self {
        case .signature(let signature): return MachineryWorkflow.signature(changed(signature))
        case .chain(let chain): return MachineryWorkflow.chain(chain.mapped(changed))
        case .group(let group): return MachineryWorkflow.group(group.mapped(changed))
        case .chord(let chord): return MachineryWorkflow.chord(chord.mapped(changed))
        }
    }

    private var signatures: [MachinerySignature] {
        switch self {
        case .signature(let signature): [signature]
        case .chain(let chain): chain.tasks
        case .group(let group): group.tasks
        case .chord(let chord): chord.group.tasks + [chord.callback]
        }
    }
}
