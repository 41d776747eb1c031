package import CeleriacCore
import CeleriacWire
import MachineryWire

import struct FoundationEssentials.Date

extension MachineryFormats {
    /// Makes the steps that send a submission: first the group, if there is one, then the states of all tasks that are
    /// sent now, then their messages. A Go worker fails if it does not find a member's state.
    ///
    /// - Throws: ``CeleriacError`` with code `argumentMismatch` or `unsupported` for what a Go worker could not take or
    ///   Machinery cannot express; `configuration` for a workflow without tasks.
    package func publication(of submission: Submission, in context: PublicationContext) throws(CeleriacError)
        -> Publication
    {
        switch submission {
        case .group(let members, let options):
            return try publication(of: MachineryGroup(try signatures(members, options, context)), in: context)
        case .chord(let header, let body, let options):
            let group = MachineryGroup(try signatures(header, options, context))
            var callback = try signature(of: body, now: context.now)
            if case .task(let task) = body, task.isImmutable { callback.immutable = true }
            return try publication(of: MachineryChord(group, callback: callback), in: context)
        case .chain(let steps, let options):
            return try publication(of: chain(steps, options, now: context.now), in: context)
        case .native(let native):
            switch native as? MachineryWorkflow {
            case .chain(let chain)?: return try publication(of: chain, in: context)
            case .group(let group)?: return try publication(of: group, in: context)
            case .chord(let chord)?: return try publication(of: chord, in: context)
            case .signature(let signature)?: return try publication(of: signature, in: context)
            case nil:
                throw CeleriacError(
                    .unsupported, "Machinery has no such workflow: send a signature, a chain, a group or a chord")
            }
        case .task(let task):
            return try publication(of: signature(of: task, now: context.now), in: context)
        }
    }

    private func signatures(
        _ members: [Submission], _ options: SubmissionOptions, _ context: PublicationContext
    ) throws(CeleriacError) -> [MachinerySignature] {
        guard options.links.isEmpty, options.errorLinks.isEmpty else {
            throw CeleriacError(.unsupported, "a group of Machinery has no callbacks: make it a chord")
        }
        var signatures: [MachinerySignature] = []
        for member in members {
            let member = member.over(options.options)
            signatures.append(try signature(of: member, now: context.now))
        }
        return signatures
    }

    private func publication(of signature: MachinerySignature, in context: PublicationContext) throws(CeleriacError)
        -> Publication
    {
        let signature = signature.withID(prefix: "task_")
        return Publication(
            steps: try steps([signature], context), result: ResultReference(id: signature.uuid))
    }

    private func publication(of chain: MachineryChain, in context: PublicationContext) throws(CeleriacError)
        -> Publication
    {
        guard let first = chain.nested else { throw CeleriacError(.configuration, "the chain has no tasks") }
        var result: ResultReference?
        for task in chain.tasks { result = ResultReference(id: task.uuid, parent: result) }
        return Publication(steps: try steps([first], context), result: result)
    }

    private func publication(of group: MachineryGroup, in context: PublicationContext) throws(CeleriacError)
        -> Publication
    {
        let members = group.tasks.map { ResultReference(id: $0.uuid) }
        return Publication(
            steps: try steps(group.groupUUID, group.tasks, context),
            result: ResultReference(id: group.groupUUID, members: members))
    }

    private func publication(of chord: MachineryChord, in context: PublicationContext) throws(CeleriacError)
        -> Publication
    {
        let members = chord.group.tasks.map { ResultReference(id: $0.uuid) }
        let group = ResultReference(id: chord.group.groupUUID, members: members)
        return Publication(
            steps: try steps(chord.group.groupUUID, chord.members, context),
            result: ResultReference(id: chord.callback.uuid, parent: group))
    }

    private func steps(
        _ groupUUID: String, _ members: [MachinerySignature], _ context: PublicationContext
    ) throws(CeleriacError) -> [Publication.Step] {
        guard !members.isEmpty else { throw CeleriacError(.configuration, "the group has no tasks") }
        let meta = MachineryGroupMeta(
            groupUUID: groupUUID, taskUUIDs: members.map(\.uuid), createdAt: GoTime(context.now))
        return [.chord(.save(groupID: groupUUID, payload: meta.encode(), expiry: context.resultExpiry))]
            + (try steps(members, context))
    }

    private func steps(
        _ signatures: [MachinerySignature], _ context: PublicationContext
    ) throws(CeleriacError) -> [Publication.Step] {
        var records: [Publication.Step] = []
        var messages: [OutgoingMessage] = []
        for signature in signatures {
            try check(signature)
            records.append(.store(try pending(signature, now: context.now, expiry: context.resultExpiry)))
            var routed = signature
            if routed.routingKey.isEmpty { routed.routingKey = context.routes[routed.name] ?? "" }
            messages.append(try outgoing(routed, now: context.now, outbound: context.outbound))
        }
        return records + [.publish(messages)]
    }
}
