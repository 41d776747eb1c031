import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire
import MachineryDialect
import MachineryWire

/// Finds out how much of what follows a task can run at the target as one workflow with it: the tasks that the source would
/// send one after another into the route's own queue. It asks the source's dialect what follows, so that it knows nothing of
/// chains.
///
/// Celery puts a result before a task's own arguments, Machinery behind them. So a step that takes a result must have no
/// arguments of its own. Whatever is different (several followers, another queue, a time to begin, a step that the target
/// cannot carry) ends the part that runs at the target; the source sends the rest, once it has the last reply.
struct WholeWorkflow: Sendable {
    /// How many steps follow a task at most.
    private static let most = 100
    /// Stands for a result that nobody knows yet.
    private static let mark: WireValue = "celeriac-bridge: the result of the step before"

    private let route: BridgeRoute
    private let source: BridgeEnd
    private let translation: TaskTranslation

    init(_ route: BridgeRoute, from source: BridgeEnd, by translation: TaskTranslation) {
        self.route = route
        self.source = source
        self.translation = translation
    }

    /// The tasks at the target that follow a request there.
    func steps(after first: TaskRequest) -> [TaskSubmission] {
        guard route.isWhole else { return [] }
        var steps: [TaskSubmission] = []
        var request = first
        while steps.count < Self.most, let next = follower(of: request) {
            let takesResult = Self.takesResult(next)
            // Where no reply is awaited, nobody would hear of the end.
            guard var step = try? translation.submission(of: next, takesResult: takesResult),
                (try? route.tasks.rule(for: next.name).rule)?.hasReply == true
            else { break }
            step.isImmutable = !takesResult
            steps.append(step)
            request = next
        }
        return steps
    }

    /// The only task that follows a request, if it can follow at the target.
    private func follower(of request: TaskRequest) -> TaskRequest? {
        guard Self.mayGoOn(request), let next = sent(after: request), next.eta == nil, next.expires == nil else {
            return nil
        }
        guard Self.takesResult(next) || !Self.values(of: next).contains(Self.mark) else { return nil }
        // The source has to know it by this id, too, when the reply comes.
        guard sent(after: request)?.id == next.id else { return nil }
        return next
    }

    /// Whether a task has no arguments but the result of the step before.
    private static func takesResult(_ request: TaskRequest) -> Bool {
        values(of: request) == [mark] && request.keywordArguments.isEmpty
    }

    private static func values(of request: TaskRequest) -> [WireValue] {
        request.machinerySignature.map { ($0.args ?? []).map(\.value) } ?? request.arguments
    }

    /// Whether anything follows: for most tasks nothing does.
    private static func mayGoOn(_ request: TaskRequest) -> Bool {
        if let task = request.celeryMessage { return task.embed.chain?.arrayValue?.isEmpty == false }
        return request.machinerySignature?.onSuccess?.count == 1
    }

    /// The task that the source would send after a success; nil unless it is the only one and comes by this route.
    private func sent(after request: TaskRequest) -> TaskRequest? {
        let context = EffectRun(source.client).context(for: request, nodeName: "")
        guard let effects = try? source.dialect.effects(of: .success(Self.mark), for: request, in: context) else {
            return nil
        }
        let messages = effects.published
        guard let outgoing = messages.first, messages.count == 1, isOurs(outgoing) else { return nil }
        let delivery = Delivery(
            content: .success(outgoing.message), queue: route.sourceQueue, receipt: Receipt(generation: 0, tag: 0))
        return try? source.dialect.request(of: outgoing.message, delivery: delivery)
    }

    private func isOurs(_ outgoing: OutgoingMessage) -> Bool {
        if outgoing.routingKey == route.sourceQueue || outgoing.declaredQueue == route.sourceQueue { return true }
        // At RabbitMQ the key of Machinery's default queue is not its name.
        guard let formats = source.dialect as? MachineryFormats else { return false }
        return route.sourceQueue == source.defaultQueue && outgoing.routingKey == formats.defaultRoutingKey
    }
}

extension [Effect] {
    /// The messages that are published.
    var published: [OutgoingMessage] {
        flatMap { effect -> [OutgoingMessage] in
            guard case .publish(let messages) = effect else { return [] }
            return messages
        }
    }

    /// The effects but for messages.
    var unpublished: [Effect] {
        filter { effect in
            if case .publish = effect { false } else { true }
        }
    }
}
