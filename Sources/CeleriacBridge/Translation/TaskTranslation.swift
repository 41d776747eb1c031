package import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire
import MachineryDialect
import MachineryWire

/// Makes the task that the target is to run of a request at the source. It is a value: it reads no clock and does no I/O.
///
/// The work that follows a task (callbacks, the rest of a chain, the part of a chord) is not part of it. It stays with the
/// source, whose dialect carries it out when the reply has come, so that both sides see their own states and a workflow may
/// have steps on both. ``WholeWorkflow`` finds the steps that the target can go on with by itself.
package struct TaskTranslation: Sendable {
    private let route: BridgeRoute
    private let target: BridgeDialect
    /// The queue to name; nil for the target's default.
    private let queue: String?
    private let values: ValueTranslation

    /// Headers that brokers and clients add for themselves, and that mean nothing at the other side.
    private static let ownHeaders: Set<String> = ["timestamp_in_ms", "redelivered", "compression"]

    /// Makes a translation towards a task system.
    ///
    /// - Parameters:
    ///   - route: the route.
    ///   - target: the task system.
    ///   - defaultQueue: its queue for tasks that name none.
    package init(_ route: BridgeRoute, to target: BridgeDialect, defaultQueue: String) {
        self.route = route
        self.target = target
        queue = route.targetQueue == defaultQueue ? nil : route.targetQueue
        values = ValueTranslation(route.leniencies)
    }

    /// Translates a request.
    ///
    /// - Parameters:
    ///   - request: the request.
    ///   - takesResult: whether the target gives it the result of the step before, in place of its arguments.
    /// - Returns: the task at the target.
    /// - Throws: ``MessageFault`` that says what the target cannot carry.
    package func submission(
        of request: TaskRequest, takesResult: Bool = false
    ) throws(MessageFault) -> TaskSubmission {
        let (rule, name) = try route.tasks.rule(for: request.name)
        let id = TargetID.made(of: request, for: target)
        var submission: TaskSubmission
        switch target {
        case .celery: submission = try celery(request, rule, id: id, name: name, takesResult: takesResult)
        case .machinery: submission = try machinery(request, rule, id: id, name: name, takesResult: takesResult)
        }
        submission.options.taskID = id
        submission.options.queue = queue
        submission.options.eta = request.eta
        if !rule.hasReply, target == .celery { submission.options.ignoresResult = true }
        submission.options.headers[HopHeader.name] = try HopHeader.next(after: request.headers, through: route)
        return submission
    }

    // MARK: Machinery to Celery

    private func celery(
        _ request: TaskRequest, _ rule: TaskRule, id: String, name: String, takesResult: Bool
    ) throws(MessageFault) -> TaskSubmission {
        guard let signature = request.machinerySignature else { throw Self.foreign(request) }
        if let refusal = request.refusal {
            throw MessageFault(reason: "badArguments", detail: refusal.text)
        }
        var arguments: [WireValue] = []
        for (index, argument) in (takesResult ? [] : signature.args ?? []).enumerated() {
            if let types = rule.types, types.indices.contains(index),
                GoType(name: types[index]) != GoType(name: argument.type)
            {
                throw MessageFault(
                    reason: "valueMismatch",
                    detail: "argument \(index + 1) is \(argument.type), but the route says \(types[index])")
            }
            arguments.append(try values.value(of: argument, "argument \(index + 1)"))
        }
        var submission = TaskSubmission(id: id, name: name, arguments: arguments)
        submission.options.headers = try carried(signature.headers ?? [:])
        submission.options.priority = priority(request)
        return submission
    }

    // MARK: Celery to Machinery

    private func machinery(
        _ request: TaskRequest, _ rule: TaskRule, id: String, name: String, takesResult: Bool
    ) throws(MessageFault) -> TaskSubmission {
        guard let message = request.celeryMessage else { throw Self.foreign(request) }
        if request.expires != nil { try refuse(.expires, "a time after which it must not run (expires)") }
        if request.timeLimits != TimeLimits() { try refuse(.timeLimits, "time limits") }
        if !message.stamps.isEmpty { try refuse(.stamps, "stamps") }
        let positional = takesResult ? [] : try positions(request, rule)
        let count = positional.count + (takesResult ? 1 : 0)
        if let types = rule.types, types.count != count {
            throw MessageFault(
                reason: "argumentCount", detail: "the task has \(count) arguments, but the route says \(types.count)")
        }
        var arguments: [WireValue] = []
        for (index, value) in positional.enumerated() {
            let argument = try values.argument(of: value, type: rule.types?[index], "argument \(index + 1)")
            arguments.append(argument.wireValue)
        }
        var submission = TaskSubmission(id: id, name: name, arguments: arguments)
        submission.options.headers = try carried(message.otherHeaders)
        submission.options.priority = priority(request)
        return submission
    }

    /// The arguments in Go's positions.
    private func positions(_ request: TaskRequest, _ rule: TaskRule) throws(MessageFault) -> [WireValue] {
        if request.keywordArguments.isEmpty { return request.arguments }
        guard let parameters = rule.parameters else {
            throw MessageFault(
                reason: "keywordArguments",
                detail: "Go has positions only: name the task's parameters, in order, in the route's table")
        }
        var positional = request.arguments
        var rest = request.keywordArguments
        for name in parameters.dropFirst(positional.count) {
            guard let value = rest[name] else {
                throw MessageFault(reason: "keywordArguments", detail: "the argument \(name) is missing")
            }
            rest[name] = nil
            positional.append(value)
        }
        if let unknown = rest.keys.first {
            throw MessageFault(
                reason: "keywordArguments", detail: "the task has no parameter \(unknown), or has it twice")
        }
        return positional
    }

    // MARK: Both

    private func carried(_ headers: WireObject) throws(MessageFault) -> WireObject {
        var carried: WireObject = [:]
        for (name, value) in headers
        where !Self.ownHeaders.contains(name) && !name.hasPrefix("x-") && name != HopHeader.name {
            switch value {
            case .string, .bool, .null: carried[name] = value
            default:
                if target == .celery {
                    carried[name] = value
                } else {
                    try refuse(.headers, "the header \(name), which is not text")
                }
            }
        }
        return carried
    }

    /// The priority, which both have as the broker understands it. Zero is Machinery's none, and what Celery always says.
    private func priority(_ request: TaskRequest) -> UInt8? {
        guard let priority = request.priority, priority > 0, !route.dropped.contains(.priority) else { return nil }
        return priority
    }

    private func refuse(_ part: CarriedPart, _ what: String) throws(MessageFault) {
        if route.dropped.contains(part) { return }
        throw MessageFault(
            reason: part.rawValue,
            detail: "\(target.rawValue) cannot carry \(what); the route may drop \(part.rawValue)")
    }

    private static func foreign(_ request: TaskRequest) -> MessageFault {
        MessageFault(reason: "foreignDialect", detail: "the message is of another task system than its route says")
    }
}
