public import CeleriacCore
import CeleriacWire
public import CeleryWire

import struct FoundationEssentials.Date

extension CeleryFormats {
    /// Makes what sends a task or a canvas: messages, and the steps that a chord needs before them.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` for what Celery's formats cannot carry.
    public func publication(of submission: Submission, in context: PublicationContext) throws(CeleriacError)
        -> Publication
    {
        if case .task(var task) = submission, task.links.isEmpty, task.errorLinks.isEmpty, context.parent == nil {
            let routed = CelerySignature(task: task.name, kwargs: task.keywordArguments).routedTask
            task.options.queue = task.options.queue ?? context.routes[routed] ?? context.defaultQueue
            task.replyTo = context.replyTo
            return Publication(
                effects: [.publish([try message(for: task, now: context.now)])], result: ResultReference(id: task.id))
        }
        return try publication(of: try signature(of: submission, keepsID: true), options: [:], in: context)
    }

    /// Makes what sends something as one part more of the chord that a task belongs to.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` for a task that belongs to no chord.
    public func addition(
        of submission: Submission, toChordOf request: TaskRequest, in context: PublicationContext
    ) throws(CeleriacError) -> Publication {
        guard let task = request.message as? CeleryTaskMessage, let chord = task.embed.chord, let group = task.group
        else { throw CeleriacError(.unsupported, "the task \(request.id) belongs to no chord") }
        var options: WireObject = ["group_id": .string(group), "chord": chord]
        if let index = task.groupIndex { options["group_index"] = .int(Int64(index)) }
        if let root = task.rootID { options["root_id"] = .string(root) }
        var publication = try publication(
            of: try signature(of: submission, keepsID: true), options: options, in: context)
        publication.effects.insert(.chord(.extend(groupID: group)), at: 0)
        return publication
    }

    private func publication(
        of signature: CelerySignature, options: WireObject, in context: PublicationContext
    ) throws(CeleriacError) -> Publication {
        var canvas = canvas(context)
        let result: CeleryResultTuple?
        do {
            result = try canvas.apply(signature, options: options)
        } catch {
            throw CeleriacError(.unsupported, "the canvas cannot be sent", cause: error)
        }
        return Publication(
            effects: try effects(of: canvas.steps, in: context), result: result.map { ResultReference($0) })
    }

    // MARK: Canvas

    /// A canvas whose messages are children of the context's task.
    func canvas(_ context: PublicationContext) -> CeleryCanvas {
        CeleryCanvas(
            lineage: CeleryLineage(
                rootID: context.parent.map { $0.rootID ?? $0.id }, parentID: context.parent?.id,
                replyTo: context.replyTo, origin: origin),
            now: context.now,
            chords: context.countsChords ? .counted : context.keepsResults ? .unlocked : .impossible,
            newID: CeleryID.random)
    }

    /// What carries out a canvas's steps, messages that follow each other together.
    func effects(of steps: [CeleryCanvasStep], in context: PublicationContext) throws(CeleriacError) -> [Effect] {
        var effects: [Effect] = []
        var messages: [OutgoingMessage] = []
        for step in steps {
            switch step {
            case .publish(let task, let route):
                messages.append(try outgoing(task, route, in: context))
                continue
            case .openChord(let groupID, let size):
                // Said before any message of the header: so these stay together.
                effects.append(.chord(.open(groupID: groupID, size: size)))
            case .saveGroup(let group):
                do {
                    effects.append(
                        .chord(
                            .save(groupID: group.id, payload: try group.encodeGroup(), expiry: context.resultExpiry)))
                } catch {
                    throw CeleriacError(.unsupported, "a group's results cannot be encoded", cause: error)
                }
            }
        }
        if !messages.isEmpty { effects.append(.publish(messages)) }
        return effects
    }

    private func outgoing(
        _ task: CeleryTaskMessage, _ route: CeleryRoute, in context: PublicationContext
    ) throws(CeleriacError) -> OutgoingMessage {
        let message = try encode(task)
        if route.queue == nil, let exchange = route.exchange, !exchange.isEmpty, exchange != route.routingKey {
            return OutgoingMessage(message: message, exchange: exchange, routingKey: route.routingKey ?? "")
        }
        let queue =
            route.queue ?? route.routingKey ?? context.routes[route.taskName ?? task.task] ?? context.defaultQueue
        return OutgoingMessage(message: message, routingKey: queue, declaredQueue: queue)
    }
}

extension ResultReference {
    /// The reference that a result tuple is.
    init(_ tuple: CeleryResultTuple) {
        self.init(
            id: tuple.id, parent: tuple.parent.map { ResultReference($0) },
            members: tuple.members.map { $0.map { ResultReference($0) } })
    }
}

extension CeleryResultTuple {
    /// The result tuple that a reference is.
    public init(_ reference: ResultReference) {
        self.init(
            id: reference.id, parent: reference.parent.map { CeleryResultTuple($0) },
            members: reference.members.map { $0.map { CeleryResultTuple($0) } })
    }
}
