public import CeleriacWire
public import FoundationEssentials

/// Applies signatures as Celery does: makes the messages to publish now, and puts what comes after them into these.
///
/// Pure: ids and the time are given. Each application adds to ``steps``, in the order in which they are to be carried out.
public struct CeleryCanvas {
    /// What is to be done.
    public private(set) var steps: [CeleryCanvasStep] = []
    let lineage: CeleryLineage
    let now: Date
    let chords: CeleryChordEnding
    let newID: () -> String
    private var depth = 0

    /// Makes a canvas.
    public init(lineage: CeleryLineage, now: Date, chords: CeleryChordEnding, newID: @escaping () -> String) {
        self.lineage = lineage
        self.now = now
        self.chords = chords
        self.newID = newID
    }

    /// Applies a signature.
    ///
    /// - Parameters:
    ///   - args: arguments in front of its own, unless it is immutable.
    ///   - kwargs: keyword arguments over its own, unless it is immutable.
    ///   - options: options over its own.
    /// - Returns: the result to come; nil for a chain of nothing.
    /// - Throws: `CeleryWireError`: `invalidTask` for what is no signature, and what the making of a message throws.
    @discardableResult
    public mutating func apply(
        _ signature: CelerySignature, args: [WireValue] = [], kwargs: WireObject = [:], options: WireObject = [:]
    ) throws(CeleryWireError) -> CeleryResultTuple? {
        // Signatures that were parsed are no deeper than JSON may be; those made by a caller are held to the same.
        guard depth < 128 else { throw .invalid("tasks", "a canvas must not be nested deeper than 128") }
        depth += 1
        defer { depth -= 1 }
        switch signature.kind {
        case .task:
            return try applyTask(signature.merging(args: args, kwargs: kwargs, options: options))
        case .chain:
            return try applyChain(signature, args: args, kwargs: kwargs, options: options)
        case .group:
            return try applyGroup(signature, args: args, kwargs: kwargs, options: options)
        case .chord:
            return try applyChord(signature, args: args, kwargs: kwargs, options: options)
        case .chunks:
            return try apply(signature.chunkGroup(), args: args, kwargs: kwargs, options: options)
        }
    }

    mutating func add(_ step: CeleryCanvasStep) { steps.append(step) }

    private mutating func applyTask(_ signature: CelerySignature) throws(CeleryWireError) -> CeleryResultTuple {
        var signature = signature
        if let id = signature.options["task_id"], !id.isNull, id.stringValue == nil {
            throw .invalid("task_id", "the option must be text")
        }
        if signature.id == nil { signature.options["task_id"] = .string(newID()) }
        let (message, route) = try signature.message(lineage: lineage, now: now)
        add(.publish(message, route))
        return CeleryResultTuple(id: message.id)
    }

    // MARK: Chains

    private static let chainOptions: Set<String> = [
        "task_id", "group_id", "group_index", "chord", "link", "link_error", "root_id", "parent_id",
    ]

    private mutating func applyChain(
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

    /// The steps of a chain, last first, each with its id: nested chains spliced in, groups that something follows made
    /// chords. And the result of the last, whose parents are those of the steps before.
    mutating func prepare(
        _ tasks: [CelerySignature], args: [WireValue], kwargs: WireObject, errbacks: [WireValue], rootID: String?,
        lastID: String?, place: CeleryPlace
    ) throws(CeleryWireError) -> (tasks: [CelerySignature], result: CeleryResultTuple?) {
        var steps = try Self.spliced(tasks)
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
            for errback in errbacks { try step.linkError(errback) }
            prepared.append(step)
            results.append(result)
        }
        var whole: CeleryResultTuple?
        for result in results.reversed() { whole = result.following(whole) }
        return (prepared, whole)
    }

    /// The steps with nested chains spliced in, groups of one unrolled, empty groups left out, and the bodies of chords
    /// that are chains cut after their first task, so that not every part of a header carries the whole rest.
    private static func spliced(_ tasks: [CelerySignature]) throws(CeleryWireError) -> [CelerySignature] {
        var steps: [CelerySignature] = []
        var empty: CelerySignature?
        var pending = Array(tasks.reversed())
        while let task = pending.popLast() {
            let task = try task.unrolled()
            switch task.kind {
            case .chain:
                pending.append(contentsOf: try task.unchained().reversed())
            case .group where try task.members().isEmpty:
                empty = task
            case .chord:
                let body = try task.body()
                let rest = body.kind == .chain ? try body.unchained() : []
                guard let first = rest.first, first.kind != .group, rest.count > 1 else {
                    steps.append(task)
                    continue
                }
                var chord = task
                let passed = body.options.filter { !chainOptions.contains($0.key) }
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

    // MARK: Groups

    private mutating func applyGroup(
        _ signature: CelerySignature, args: [WireValue], kwargs: WireObject, options: WireObject
    ) throws(CeleryWireError) -> CeleryResultTuple {
        let merged = signature.merging(options: options)
        let groupID = merged.id ?? newID()
        let rootID = merged.options["root_id"]?.stringValue
        // A link_error among them takes the place of the members' own, as in Celery.
        var passed = merged.options.filter { !["task_id", "group_index"].contains($0.key) && !$0.value.isNull }
        passed["group_id"] = .string(groupID)
        let chord = passed["chord"]
        passed["chord"] = nil
        let members = try Self.flattened(signature)
        var size = 0
        var results: [CeleryResultTuple] = []
        for (index, member) in members.enumerated() {
            var member = member
            _ = try freeze(
                &member, id: nil, rootID: rootID,
                place: CeleryPlace(groupID: groupID, groupIndex: index, chord: chord))
            let body = chord ?? member.options["chord"]
            size += try member.partCount()
            if index == members.count - 1, let body, !body.isNull, chords == .counted {
                // Members that belong to a header already are counted there, and not under this group.
                add(.openChord(groupID: groupID, size: size))
            }
            var options = passed
            if let body { options["chord"] = body }
            if let result = try apply(member, args: args, kwargs: kwargs, options: options) { results.append(result) }
        }
        if results.count == 1, results[0].members != nil { return results[0] }
        return CeleryResultTuple(id: groupID, members: results)
    }

    /// The members of a group and of the groups in it, in order; chains of nothing are left out.
    static func flattened(_ group: CelerySignature) throws(CeleryWireError) -> [CelerySignature] {
        var flat: [CelerySignature] = []
        var pending = Array(try group.members().reversed())
        while let member = pending.popLast() {
            switch member.kind {
            case .group: pending.append(contentsOf: try member.members().reversed())
            case .chain: if try !member.members().isEmpty { flat.append(member) }
            default: flat.append(member)
            }
        }
        return flat
    }

    // MARK: Chords

    /// Refuses chords, also those that would come later in a chain, where their bodies could never begin.
    func checkChords() throws(CeleryWireError) {
        guard chords != .impossible else {
            throw CeleryWireError(
                .chordsUnsupported, "chords need results that are kept: use redis:// or file:// for results")
        }
    }

    private mutating func applyChord(
        _ signature: CelerySignature, args: [WireValue], kwargs: WireObject, options: WireObject
    ) throws(CeleryWireError) -> CeleryResultTuple {
        try checkChords()
        let merged = signature.merging(options: options)
        var passed = merged.options.filter { !$0.value.isNull }
        var header = try signature.header()
        var body = try signature.body()
        var headerOptions: WireObject = [:]
        for name in ["countdown", "eta"] { headerOptions[name] = passed.removeValue(forKey: name) }
        let bodyID = options["task_id"]?.stringValue
        passed["task_id"] = nil
        for callback in merged.list("link") { try body.link(callback) }
        for errback in merged.list("link_error") { try body.linkErrorOfChord(errback) }
        passed["link"] = nil
        passed["link_error"] = nil
        let watch = (
            interval: passed.removeValue(forKey: "interval"), retries: passed.removeValue(forKey: "max_retries")
        )
        for (name, value) in passed where name != "parent_id" { body.options[name] = value }

        let groupID = header.id ?? signature.id ?? newID()
        let rootID = body.options["root_id"]?.stringValue
        let bodyResult = try freeze(
            &body, id: bodyID ?? newID(), rootID: rootID, place: CeleryPlace(groupID: groupID))
        for name in ["chain", "chord", "group_index", "group_id"] { passed[name] = nil }
        header.options["task_id"] = .string(groupID)
        let headerResult = try freeze(
            &header, id: nil, rootID: rootID, place: CeleryPlace(groupID: groupID, chord: body.encode()))
        let members = headerResult.members ?? []
        if members.isEmpty {
            try apply(body, args: [[]])
        } else {
            switch chords {
            case .impossible: break
            case .counted:
                if members.contains(where: { $0.members != nil }) { add(.saveGroup(headerResult)) }
            case .unlocked:
                try applyUnlock(
                    groupID: groupID, body: body, results: members, interval: watch.interval, retries: watch.retries)
            }
            for (name, value) in headerOptions { passed[name] = value }
            var keywords = signature.kwargs["kwargs"]?.objectValue ?? [:]
            for (name, value) in kwargs { keywords[name] = value }
            try apply(
                header, args: signature.immutable ? signature.args : args + signature.args, kwargs: keywords,
                options: passed)
        }
        return bodyResult.following(CeleryResultTuple(id: groupID, members: members))
    }

    /// Publishes the task that looks until the header's results are all there, for stores that do not count.
    private mutating func applyUnlock(
        groupID: String, body: CelerySignature, results: [CeleryResultTuple], interval: WireValue?,
        retries: WireValue?
    ) throws(CeleryWireError) {
        var options: WireObject = [
            "countdown": 1, "ignore_result": true, "route_name": .string(body.task),
        ]
        let stamps = body.list("stamped_headers").compactMap(\.stringValue)
        for name in ["queue", "priority", "exchange", "exchange_type", "routing_key", "headers"]
        where !stamps.contains(name) {
            options[name] = body.options[name]
        }
        let unlock = CelerySignature(
            task: "celery.chord_unlock", args: [.string(groupID), body.encode()],
            kwargs: [
                "interval": interval ?? .null, "max_retries": retries ?? .null,
                "result": .array(results.map { $0.encode() }),
                // What Python's own retry of the task goes by; the queues that are declared here are direct ones.
                "_chord_unlock_exchange_type": body.options["exchange_type"] ?? "direct",
            ],
            options: options)
        try apply(unlock)
    }
}
