package import CeleriacCore
import CeleriacWire
import CeleryWire

import struct FoundationEssentials.Date

extension CeleryFormats {
    /// Makes the steps that send a task or a canvas: messages, and what a chord needs before them.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` for what Celery's formats cannot carry.
    package func publication(of submission: Submission, in context: PublicationContext) throws(CeleriacError)
        -> Publication
    {
        // A task without links needs no signature, which saves writing its options and reading them again.
        if case .task(let task) = submission, task.links.isEmpty, task.errorLinks.isEmpty, context.parent == nil {
            let route = CeleryRoute(
                queue: task.options.queue, exchange: task.options.exchange, routingKey: task.options.routingKey,
                taskName: CelerySignature(task: task.name, kwargs: task.keywordArguments).routedTask)
            return Publication(
                steps: [.publish([try outgoing(try message(of: task, in: context), route, in: context)])],
                result: ResultReference(id: task.id))
        }
        return try publication(of: try signature(of: submission, keepsID: true), options: [:], in: context)
    }

    /// Makes the steps that send a submission as one more part of the chord that a task belongs to.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` for a task that belongs to no chord.
    package func addition(
        of submission: Submission, toChordOf request: TaskRequest, in context: PublicationContext
    ) throws(CeleriacError) -> Publication {
        guard let task = request.celeryMessage, let chord = task.embed.chord, let group = task.group else {
            throw CeleriacError(.unsupported, "the task \(request.id) belongs to no chord")
        }
        var options: WireObject = ["group_id": .string(group), "chord": chord]
        if let index = task.groupIndex { options["group_index"] = .int(Int64(index)) }
        if let root = task.rootID { options["root_id"] = .string(root) }
        var publication = try publication(
            of: try signature(of: submission, keepsID: true), options: options, in: context)
        publication.steps.insert(.chord(.extend(groupID: group)), at: 0)
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
        return Publication(steps: try steps(of: canvas, in: context), result: result.map { ResultReference($0) })
    }

    // MARK: Canvas

    /// Creates a canvas whose messages are children of the context's task.
    func canvas(_ context: PublicationContext) -> CeleryCanvas {
        var canvas = CeleryCanvas(
            lineage: lineage(context), now: context.now,
            chords: context.countsChords ? .counted : context.keepsResults ? .unlocked : .impossible,
            newID: randomUUID)
        canvas.linksErrorsInHeaders = linksErrorsInHeaders
        return canvas
    }

    private func lineage(_ context: PublicationContext) -> CeleryLineage {
        CeleryLineage(
            rootID: context.parent.map { $0.rootID ?? $0.id }, parentID: context.parent?.id,
            replyTo: context.replyTo, origin: origin, serializer: signsTasks ? .auth : .json)
    }

    /// The publication steps of a canvas. What a chord needs comes first, and the messages go together.
    func steps(of canvas: CeleryCanvas, in context: PublicationContext) throws(CeleriacError) -> [Publication.Step] {
        var steps: [Publication.Step] = []
        var messages: [OutgoingMessage] = []
        for step in canvas.steps {
            switch step {
            case .publish(let task, let route):
                messages.append(try outgoing(task, route, in: context))
            case .openChord(let groupID, let size):
                steps.append(.chord(.open(groupID: groupID, size: size)))
            case .saveGroup(let group):
                steps.append(
                    .chord(.save(groupID: group.id, payload: try payload(of: group), expiry: context.resultExpiry)))
            }
        }
        if !messages.isEmpty { steps.append(.publish(messages)) }
        return steps
    }

    // MARK: Messages

    /// The message of a task that is sent alone. It equals the message that the task's signature would become: both
    /// begin with `CeleryTaskMessage.init(task:id:args:kwargs:lineage:)`, which has the defaults, and end in
    /// ``outgoing(_:_:in:)``.
    private func message(
        of submission: TaskSubmission, in context: PublicationContext
    ) throws(CeleriacError) -> CeleryTaskMessage {
        let options = submission.options
        var task = CeleryTaskMessage(
            task: submission.name, id: submission.id, args: submission.arguments, kwargs: submission.keywordArguments,
            lineage: lineage(context))
        task.serializer = try serializer(options.serializer)
        task.compression = try compression(options.compression)
        if let start = options.start(now: context.now) { task.eta = try text(start) }
        if let expiry = options.expiry(now: context.now) {
            task.expires = try text(expiry)
            task.properties.expiration = CeleryTime.expiration(expires: expiry, now: context.now)
        }
        task.timeLimit = CeleryTimeLimit(
            hard: options.timeLimits.hard?.seconds, soft: options.timeLimits.soft?.seconds)
        if let ignoresResult = options.ignoresResult { task.ignoreResult = ignoresResult }
        task.argsrepr = options.argumentsText
        task.kwargsrepr = options.keywordArgumentsText
        task.otherHeaders = options.headers
        task.properties.priority = options.priority
        return task
    }

    private func outgoing(
        _ task: CeleryTaskMessage, _ asked: CeleryRoute, in context: PublicationContext
    ) throws(CeleriacError) -> OutgoingMessage {
        let destination = try router.destination(of: asked.taskName ?? task.task, asked)
        var task = task
        let inherited = inheritsPriority ? context.parent?.priority : nil
        task.properties.priority = task.properties.priority ?? destination.priority ?? inherited
        task.properties.deliveryMode = task.properties.deliveryMode ?? destination.deliveryMode ?? deliveryMode
        if task.compression == nil { task.compression = try compression(destination.compression) }
        if task.task == CeleryCanvas.unlock, task.kwargs[CeleryCanvas.unlockExchangeType] != nil {
            task.kwargs[CeleryCanvas.unlockExchangeType] = .string(destination.exchangeType)
        }
        addOutbound(
            to: &task, exchange: destination.exchange, routingKey: destination.routingKey,
            queue: destination.declaredQueue, in: context)
        let start = task.eta == nil ? nil : (try? task.etaDate())
        return OutgoingMessage(
            message: try encode(task), exchange: destination.exchange, routingKey: destination.routingKey,
            declaredQueue: destination.declaredQueue, isMandatory: destination.isMandatory,
            notBefore: start.flatMap { $0 > context.now ? $0 : nil })
    }

    func encode(_ task: CeleryTaskMessage) throws(CeleriacError) -> WireMessage {
        do {
            return try task.encode(
                protocolVersion: protocolVersion, representation: representation, nonFinite: .allow, security: security,
                limits: limits)
        } catch {
            throw CeleriacError(.unsupported, "the message of \(task.task) cannot be encoded", cause: error)
        }
    }
}
