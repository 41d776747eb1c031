import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire
import MachineryDialect
import MachineryWire

import struct FoundationEssentials.Date

/// Decides what becomes of a message at the door of a route. It does nothing.
struct BridgeDoor: Sendable {
    /// What becomes of a message.
    enum Passage: Sendable {
        /// It goes on.
        case forward(Forwarding)
        /// It is parked with the reason, and its caller, where the message names one, is told.
        case refuse(MessageFault, TaskRequest?)
        /// Its task ends here.
        case end(Outcome, TaskRequest)
    }

    /// What is done for a message that goes on.
    struct Forwarding: Sendable {
        /// The task's id at the source.
        var sourceID: String
        /// The task's id at the target.
        var targetID: String
        /// The states to store before.
        var records: [ResultRecord] = []
        /// The messages.
        var messages: [OutgoingMessage]
        /// The note about the reply; nil where none comes back by the bridge.
        var note: OutgoingMessage?
        /// What tells that note from others about the task.
        var noteKey: String?
        /// The copies for the shadow's queue.
        var copies: [OutgoingMessage] = []
    }

    let route: BridgeRoute
    let source: any Dialect
    let target: any Dialect
    private let kinds: (source: BridgeDialect, target: BridgeDialect)
    private let defaultQueue: String
    private let translation: TaskTranslation
    private let workflow: WholeWorkflow

    init(_ route: BridgeRoute, from source: BridgeEnd, to target: BridgeEnd) {
        self.route = route
        self.source = source.dialect
        self.target = target.dialect
        kinds = (source.kind, target.kind)
        defaultQueue = target.defaultQueue
        translation = TaskTranslation(route, to: target.kind, defaultQueue: target.defaultQueue)
        workflow = WholeWorkflow(route, from: source, by: translation)
    }

    /// Decides about a delivery.
    ///
    /// - Parameters:
    ///   - delivery: the delivery.
    ///   - context: what the target's dialect may know of the bridge.
    /// - Returns: what becomes of it.
    func passage(of delivery: Delivery, in context: PublicationContext) -> Passage {
        let message: WireMessage
        switch delivery.content {
        case .success(let content): message = content
        case .failure(let fault):
            let remains = delivery.remains.flatMap { source.remains(of: $0, delivery: delivery) }
            return .refuse(fault, remains?.request)
        }
        func refused(_ fault: MessageFault) -> Passage {
            .refuse(fault, source.remains(of: message, delivery: delivery)?.request)
        }
        if let most = route.maximumBytes, message.body.count > most {
            return refused(
                MessageFault(
                    reason: "oversized", detail: "the body has \(message.body.count) bytes, and \(most) may pass"))
        }
        let request: TaskRequest
        do throws(MessageFault) {
            request = try source.request(of: message, delivery: delivery)
        } catch {
            return refused(error)
        }
        if let expires = request.expires, expires <= context.now { return .end(.expired, request) }
        do throws(MessageFault) {
            if kinds.source == kinds.target { return .forward(try passing(message, request, in: context)) }
            return .forward(try translated(message, delivery, request, in: context))
        } catch {
            return .refuse(error, request)
        }
    }

    // MARK: Another task system

    private func translated(
        _ message: WireMessage, _ delivery: Delivery, _ request: TaskRequest, in context: PublicationContext
    ) throws(MessageFault) -> Forwarding {
        let hasReply = try route.tasks.rule(for: request.name).rule.hasReply
        if !hasReply, Self.isFollowed(request) {
            throw MessageFault(
                reason: "reply", detail: "something follows the task, but its row in the route says reply: false")
        }
        let submission = try translation.submission(of: request)
        let (steps, following) = try self.steps(of: submission, workflow.steps(after: request), in: context)
        let note = BridgeNote(
            of: delivery, message, sourceID: request.id, targetID: submission.id, following: following.map(\.id),
            deadline: (request.eta ?? context.now).addingTimeInterval(route.replyTimeout.seconds))
        let noted = hasReply ? note : nil
        var forwarding = Forwarding(
            sourceID: request.id, targetID: submission.id, messages: [],
            note: try noted?.outgoing(to: route.noteQueue), noteKey: noted?.key,
            copies: copies(of: submission, in: context))
        for step in steps {
            switch step {
            case .store(let record): forwarding.records.append(record)
            case .publish(let messages): forwarding.messages += messages
            // One task alone opens no chord.
            case .chord: break
            }
        }
        return forwarding
    }

    /// Whether the source does something once the task has ended, beside storing how.
    private static func isFollowed(_ request: TaskRequest) -> Bool {
        if let embed = request.celeryMessage?.embed {
            return [embed.callbacks, embed.errbacks, embed.chain, embed.chord].contains { !isEmpty($0) }
        }
        guard let signature = request.machinerySignature else { return false }
        return signature.onSuccess?.isEmpty == false || signature.onError?.isEmpty == false
            || signature.chordCallback != nil
    }

    private static func isEmpty(_ value: WireValue?) -> Bool {
        guard let value, !value.isNull else { return true }
        return value.arrayValue?.isEmpty ?? false
    }

    /// What sends a task, with those that follow it if the target can carry them.
    private func steps(
        of task: TaskSubmission, _ following: [TaskSubmission], in context: PublicationContext
    ) throws(MessageFault) -> (steps: [Publication.Step], following: [TaskSubmission]) {
        let chain = ([task] + following).map { Submission.task($0) }
        if !following.isEmpty,
            let publication = try? target.publication(of: .chain(chain, SubmissionOptions()), in: context)
        {
            return (publication.steps, following)
        }
        do throws(CeleriacError) {
            return (try target.publication(of: .task(task), in: context).steps, [])
        } catch {
            throw MessageFault(reason: error.code.description, detail: "the target cannot carry it: \(error)")
        }
    }

    /// The copy of a task, if it is among those that are copied.
    private func copies(of task: TaskSubmission, in context: PublicationContext) -> [OutgoingMessage] {
        guard let shadow = route.shadow, shadow.takes(task.id) else { return [] }
        var copy = task
        copy.id = RouteShadow.id(ofCopyOf: task.id)
        copy.options.taskID = copy.id
        copy.options.queue = shadow.queue
        copy.options.ignoresResult = true
        let steps = (try? target.publication(of: .task(copy), in: context).steps) ?? []
        return steps.map(\.effect).published
    }

    // MARK: The same task system

    /// The message as it came, once everything in it was read and found good.
    private func passing(
        _ message: WireMessage, _ request: TaskRequest, in context: PublicationContext
    ) throws(MessageFault) -> Forwarding {
        let name = try route.tasks.rule(for: request.name).target
        guard name == request.name else {
            throw MessageFault(
                reason: "renamed", detail: "the task would become \(name): a route of one dialect renames nothing")
        }
        if let refusal = request.refusal { throw MessageFault(reason: "badArguments", detail: refusal.text) }
        let hops = try HopHeader.next(after: request.headers, through: route)
        switch kinds.target {
        case .celery:
            var message = message
            message.headers[HopHeader.name] = hops
            message.headers["redelivered"] = nil
            let start = request.eta.flatMap { $0 > context.now ? $0 : nil }
            return Forwarding(
                sourceID: request.id, targetID: request.id,
                messages: [
                    OutgoingMessage(
                        message: message, routingKey: route.targetQueue, declaredQueue: route.targetQueue,
                        notBefore: start)
                ], copies: copies(of: request, hops, notBefore: start))
        case .machinery:
            guard var signature = request.machinerySignature, let formats = target as? MachineryFormats else {
                throw MessageFault(reason: "foreignDialect", detail: "the message is of another task system")
            }
            do throws(MachineryWireError) {
                try signature.validate()
            } catch {
                throw MessageFault(reason: error.code.rawValue, detail: error.message)
            }
            signature.routingKey = route.targetQueue == defaultQueue ? "" : route.targetQueue
            signature.headers = signature.headers ?? [:]
            signature.headers?[HopHeader.name] = hops
            do throws(CeleriacError) {
                return Forwarding(
                    sourceID: signature.uuid, targetID: signature.uuid,
                    messages: [try formats.outgoing(signature, now: context.now)],
                    copies: copies(of: signature, by: formats, in: context))
            } catch {
                throw MessageFault(reason: error.code.description, detail: "it cannot be written again: \(error)")
            }
        }
    }

    /// The copy of a task of Celery's, which nothing follows. A signed one is not copied: the copy would lack the signature.
    private func copies(of request: TaskRequest, _ hops: WireValue, notBefore start: Date?) -> [OutgoingMessage] {
        guard let shadow = route.shadow, shadow.takes(request.id), var task = request.celeryMessage,
            task.serializer != .auth
        else { return [] }
        task.id = RouteShadow.id(ofCopyOf: request.id)
        task.rootID = task.id
        task.parentID = nil
        task.group = nil
        task.groupIndex = nil
        task.embed = CeleryEmbed()
        task.ignoreResult = true
        task.properties.correlationID = task.id
        task.properties.replyTo = nil
        task.otherHeaders[HopHeader.name] = hops
        guard let message = try? task.encode() else { return [] }
        return [
            OutgoingMessage(
                message: message, routingKey: shadow.queue, declaredQueue: shadow.queue, notBefore: start)
        ]
    }

    /// The copy of a task of Machinery's, which nothing follows.
    private func copies(
        of signature: MachinerySignature, by formats: MachineryFormats, in context: PublicationContext
    ) -> [OutgoingMessage] {
        guard let shadow = route.shadow, shadow.takes(signature.uuid) else { return [] }
        var copy = signature
        copy.uuid = RouteShadow.id(ofCopyOf: signature.uuid)
        copy.routingKey = shadow.queue
        copy.onSuccess = nil
        copy.onError = nil
        copy.groupUUID = ""
        copy.groupTaskCount = 0
        copy.chordCallback = nil
        return (try? formats.outgoing(copy, now: context.now)).map { [$0] } ?? []
    }
}
