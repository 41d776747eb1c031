public import CeleriacWire

extension CelerySignature {
    /// What a signature stands for.
    public enum Kind: Sendable, Hashable {
        /// One task; also `celery.map` and `celery.starmap`, which are tasks.
        case task
        /// Tasks one after another, each getting the result of the one before.
        case chain
        /// Tasks side by side.
        case group
        /// A group, and a body that gets all its results.
        case chord
        /// A list cut into parts, each to be run by a `celery.starmap`.
        case chunks
    }

    /// What the signature stands for.
    public var kind: Kind {
        switch subtaskType {
        case "chain": .chain
        case "group": .group
        case "chord": .chord
        case "chunks": .chunks
        default: .task
        }
    }

    /// A chain of signatures.
    public static func chain(_ tasks: [CelerySignature], options: WireObject = [:]) -> CelerySignature {
        CelerySignature(
            task: "celery.chain", kwargs: ["tasks": .array(tasks.map { $0.encode() })], options: options,
            subtaskType: "chain")
    }

    /// A group of signatures.
    public static func group(_ tasks: [CelerySignature], options: WireObject = [:]) -> CelerySignature {
        CelerySignature(
            task: "celery.group", kwargs: ["tasks": .array(tasks.map { $0.encode() })], options: options,
            subtaskType: "group")
    }

    /// A chord: a header of signatures side by side, and a body that gets the list of their results.
    public static func chord(
        _ header: CelerySignature, body: CelerySignature, options: WireObject = [:]
    ) -> CelerySignature {
        CelerySignature(
            task: "celery.chord",
            kwargs: ["kwargs": [:], "header": header.encode(), "body": body.encode()], options: options,
            subtaskType: "chord")
    }

    /// The signatures in a chain or a group.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` when they are not a list of signatures.
    public func members() throws(CeleryWireError) -> [CelerySignature] {
        guard case .array(let values)? = kwargs["tasks"] else {
            throw .invalid("tasks", "a \(subtaskType ?? "canvas") must have a list of tasks")
        }
        return try values.map { value throws(CeleryWireError) in try CelerySignature.decode(value) }
    }

    mutating func setMembers(_ members: [CelerySignature]) {
        kwargs["tasks"] = .array(members.map { $0.encode() })
    }

    /// The header of a chord as a group, whether it stands as one or as a list.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` when there is none.
    public func header() throws(CeleryWireError) -> CelerySignature {
        switch kwargs["header"] {
        case .array(let values)?:
            let tasks = try values.map { value throws(CeleryWireError) in try CelerySignature.decode(value) }
            return .group(tasks)
        case let value?:
            let header = try CelerySignature.decode(value)
            return header.kind == .group ? header : .group([header])
        case nil:
            throw .invalid("header", "a chord must have a header")
        }
    }

    /// The body of a chord.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` when there is none.
    public func body() throws(CeleryWireError) -> CelerySignature {
        guard let value = kwargs["body"], !value.isNull else { throw .invalid("body", "a chord must have a body") }
        return try CelerySignature.decode(value)
    }

    mutating func setHeader(_ header: CelerySignature) { kwargs["header"] = header.encode() }
    mutating func setBody(_ body: CelerySignature) { kwargs["body"] = body.encode() }

    // MARK: Options

    /// The id that the signature will have when it is applied, if it has been given one.
    public var id: String? { options["task_id"]?.stringValue }

    /// An option that is a list of signatures, or one alone.
    func list(_ option: String) -> [WireValue] {
        switch options[option] {
        case .array(let values)?: values
        case .null?, nil: []
        case let value?: [value]
        }
    }

    /// Adds a signature to an option that is a list of them, unless it is there already.
    mutating func append(_ value: WireValue, to option: String) {
        var values = list(option)
        if !values.contains(value) { values.append(value) }
        options[option] = .array(values)
    }

    /// Adds what is called with the result: at the body of a chord, and, immutable, at the first task of a group.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` for a canvas whose parts are none.
    public mutating func link(_ callback: WireValue) throws(CeleryWireError) {
        switch kind {
        case .chord:
            var body = try body()
            try body.link(callback)
            setBody(body)
        case .group:
            var members = try members()
            guard !members.isEmpty else { return }
            var first = try CelerySignature.decode(callback)
            first.immutable = true
            try members[0].link(first.encode())
            setMembers(members)
        case .task, .chain, .chunks:
            append(callback, to: "link")
        }
    }

    /// Adds what is called with the id when the call fails: at each task of a group, at the body of a chord, and at those
    /// of the chords in its header.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` for a canvas whose parts are none.
    public mutating func linkError(_ errback: WireValue) throws(CeleryWireError) {
        switch kind {
        case .chord:
            var header = try header()
            var parts = try header.members()
            if parts.contains(where: { $0.kind == .chord }) {
                for index in parts.indices where parts[index].kind == .chord { try parts[index].linkError(errback) }
                header.setMembers(parts)
                setHeader(header)
            }
            var body = try body()
            try body.linkError(errback)
            setBody(body)
        case .group:
            var members = try members()
            for index in members.indices { try members[index].linkError(errback) }
            setMembers(members)
        case .task, .chain, .chunks:
            append(errback, to: "link_error")
        }
    }

    /// Adds an error callback of a chord to its body, which this is. A group that has error callbacks of its own, which
    /// take the place of its tasks' when it is applied, gets it there; else its tasks do.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` for a canvas whose parts are none.
    mutating func linkErrorOfChord(_ errback: WireValue) throws(CeleryWireError) {
        guard kind == .group else { return append(errback, to: "link_error") }
        try linkErrorOfBody(errback, isApplied: true)
    }

    /// - Parameter isApplied: whether a group is applied as one; a group in a group is dissolved, with its options, before.
    private mutating func linkErrorOfBody(_ errback: WireValue, isApplied: Bool) throws(CeleryWireError) {
        switch kind {
        case .group where !isApplied || options["link_error"]?.isNull != false:
            var members = try members()
            for index in members.indices { try members[index].linkErrorOfBody(errback, isApplied: false) }
            setMembers(members)
        case .chord:
            var body = try body()
            try body.linkErrorOfBody(errback, isApplied: true)
            setBody(body)
        case .group, .task, .chain, .chunks:
            append(errback, to: "link_error")
        }
    }

    // MARK: Composing

    /// This signature with arguments in front of its own and options over its own, as far as it takes them: an immutable
    /// one takes no arguments, and a place in a group and stamps stay once they are given.
    func merging(
        args: [WireValue] = [], kwargs: WireObject = [:], options: WireObject = [:]
    ) -> CelerySignature {
        var merged = self
        let stamps = Set((self.options["stamped_headers"]?.arrayValue ?? []).compactMap(\.stringValue))
        for (name, value) in options {
            let isFixed = name == "group_id" || name == "stamped_headers" || stamps.contains(name)
            if !isFixed || self.options[name] == nil { merged.options[name] = value }
        }
        guard !immutable else { return merged }
        if !args.isEmpty { merged.args = args + self.args }
        for (name, value) in kwargs { merged.kwargs[name] = value }
        return merged
    }

    /// Another signature after this one, as Celery's `|`: a group followed by something becomes a chord, and what follows
    /// a chord goes on from its body.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` for a canvas whose parts are none.
    public func then(_ next: CelerySignature) throws(CeleryWireError) -> CelerySignature {
        let steps = try Self.folded(steps: try unchained() + next.unchained())
        return steps.count == 1 ? steps[0] : .chain(steps)
    }

    /// The steps of a chain, its links moved to the last and its errbacks to all; anything else is one step.
    func unchained() throws(CeleryWireError) -> [CelerySignature] {
        guard kind == .chain else { return [self] }
        var steps = try members()
        guard let last = steps.indices.last else { return [] }
        for callback in list("link") { try steps[last].link(callback) }
        for errback in list("link_error") {
            for index in steps.indices { try steps[index].linkError(errback) }
        }
        return steps
    }

    private static func folded(steps: [CelerySignature]) throws(CeleryWireError) -> [CelerySignature] {
        var folded: [CelerySignature] = []
        for step in steps {
            let step = try step.unrolled()
            if step.kind == .group, try step.members().isEmpty { continue }
            guard let last = folded.last else {
                folded.append(step)
                continue
            }
            if last.kind == .group, step.kind != .group {
                folded[folded.count - 1] = .chord(last, body: step)
            } else if last.kind == .chord, step.kind != .chord {
                var chord = last
                chord.setBody(try last.body().then(step))
                folded[folded.count - 1] = chord
            } else {
                folded.append(step)
            }
        }
        return folded
    }

    /// A group of one is that one.
    func unrolled() throws(CeleryWireError) -> CelerySignature {
        guard kind == .group else { return self }
        let members = try members()
        return members.count == 1 ? try members[0].unrolled() : self
    }
}
