import CeleriacWire

extension CeleryCanvas {
    static let chainOptions: Set<String> = [
        "task_id", "group_id", "group_index", "chord", "link", "link_error", "root_id", "parent_id",
    ]

    mutating func applyChain(
        _ signature: CelerySignature, args: [WireValue], kwargs: WireObject, options: WireObject
    ) throws(CeleryWireError) -> CeleryResultTuple? {
        let merged = signature.merging(options: options)
        let own = merged.options
        var (tasks, result) = try prepare(
            merged.members(), args: signature.immutable ? signature.args : args + signature.args,
            kwargs: signature.immutable ? [:] : kwargs, errbacks: merged.list("link_error"),
            rootID: own["root_id"]?.stringValue, lastID: merged.id, place: CeleryPlace(own))
        guard var first = tasks.popLast() else { return nil }
        for callback in merged.list("link") {
            if tasks.isEmpty { try first.link(callback) } else { try tasks[0].link(callback) }
        }
        var passed = own.filter { !Self.chainOptions.contains($0.key) && !$0.value.isNull }
        let rest = (own["chain"]?.arrayValue ?? []) + tasks.map { $0.encode() }
        if !tasks.isEmpty || own["chain"]?.arrayValue != nil { passed["chain"] = .array(rest) }
        if let parent = own["parent_id"], !parent.isNull { passed["parent_id"] = parent }
        let applied = try apply(first, options: passed)
        return tasks.isEmpty ? applied : result
    }

    /// Prepares the steps of a chain, in reverse order and with ids: splices nested chains, and turns each group that
    /// another step follows into a chord. Also returns the result of the last step, whose parents are those of the
    /// others.
    mutating func prepare(
        _ tasks: [CelerySignature], args: [WireValue], kwargs: WireObject, errbacks: [WireValue], rootID: String?,
        lastID: String?, place: CeleryPlace
    ) throws(CeleryWireError) -> (tasks: [CelerySignature], result: CeleryResultTuple?) {
        var steps = try spliced(tasks)
        guard !steps.isEmpty else { return ([], nil) }
        steps[0] = steps[0].merging(args: args, kwargs: kwargs)
        var prepared: [CelerySignature] = []
        var results: [CeleryResultTuple] = []
        for (index, step) in steps.reversed().enumerated() {
            var step = step
            var id = index == 0 ? lastID : nil
            if step.kind == .group, let next = prepared.popLast() {
                let nextResult = results.popLast()
                id = next.kind == .group ? nil : nextResult?.id
                var options: WireObject = [:]
                if let rootID { options["root_id"] = .string(rootID) }
                step = .chord(step, body: next, options: options)
            }
            let result = try freeze(&step, id: id, rootID: rootID, place: index == 0 ? place : CeleryPlace())
            for errback in errbacks { try step.linkError(errback, alsoInHeaders: linksErrorsInHeaders) }
            prepared.append(step)
            results.append(result)
        }
        var whole: CeleryResultTuple?
        for result in results.reversed() { whole = result.following(whole) }
        return (prepared, whole)
    }

    /// Splices nested chains, replaces groups of one by their member and drops empty groups. If the body of a chord is
    /// a chain, cuts it after its first task, so that the parts of the header do not each carry the whole rest.
    private func spliced(_ tasks: [CelerySignature]) throws(CeleryWireError) -> [CelerySignature] {
        var steps: [CelerySignature] = []
        var empty: CelerySignature?
        var pending = Array(tasks.reversed())
        while let task = pending.popLast() {
            let task = try task.unrolled()
            switch task.kind {
            case .chain:
                pending.append(contentsOf: try task.unchained(errorsInHeaders: linksErrorsInHeaders).reversed())
            case .group where try task.members().isEmpty:
                empty = task
            case .chord:
                let body = try task.body()
                let rest = body.kind == .chain ? try body.unchained(errorsInHeaders: linksErrorsInHeaders) : []
                guard let first = rest.first, first.kind != .group, rest.count > 1 else {
                    steps.append(task)
                    continue
                }
                var chord = task
                let passed = body.options.filter { !Self.chainOptions.contains($0.key) }
                chord.setBody(first.merging(options: passed))
                pending.append(contentsOf: rest.dropFirst().reversed())
                pending.append(chord)
            default:
                steps.append(task)
            }
        }
        if steps.isEmpty, let empty { steps.append(empty) }
        return steps
    }
}
