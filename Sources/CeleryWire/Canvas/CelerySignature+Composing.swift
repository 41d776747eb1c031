public import CeleriacWire

extension CelerySignature {
    /// The id that the signature will have when it is applied; `nil` if it does not have one yet.
    package var id: String? { options["task_id"]?.stringValue }

    /// Reads an option that is one signature or a list of them.
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

    /// Adds a callback, which gets the result. A chord passes it on to its body; a group passes it on to its first task
    /// and makes it immutable.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` if a part of this signature is not a signature.
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

    /// Adds an error callback, which gets the id of the failed task. A group passes it on to each of its tasks, a chord
    /// to its body and to the chords in its header.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` if a part of this signature is not a signature.
    public mutating func linkError(_ errback: WireValue) throws(CeleryWireError) {
        try linkError(errback, alsoInHeaders: false)
    }

    /// The same. `alsoInHeaders` says whether a chord also passes it on to each task of its header, as Celery does where
    /// `task_allow_error_cb_on_chord_header` is set. Celery means these to be immutable, but `clone(immutable=True)` makes
    /// that one of their options, so that they get the id of the failed task all the same.
    package mutating func linkError(_ errback: WireValue, alsoInHeaders: Bool) throws(CeleryWireError) {
        switch kind {
        case .chord:
            var header = try header()
            var parts = try header.members()
            if alsoInHeaders || parts.contains(where: { $0.kind == .chord }) {
                if alsoInHeaders {
                    var copy = try CelerySignature.decode(errback)
                    copy.options["immutable"] = true
                    let encoded = copy.encode()
                    for index in parts.indices { try parts[index].linkError(encoded, alsoInHeaders: true) }
                }
                for index in parts.indices where parts[index].kind == .chord {
                    try parts[index].linkError(errback, alsoInHeaders: alsoInHeaders)
                }
                header.setMembers(parts)
                setHeader(header)
            }
            var body = try body()
            try body.linkError(errback, alsoInHeaders: alsoInHeaders)
            setBody(body)
        case .group:
            var members = try members()
            for index in members.indices { try members[index].linkError(errback, alsoInHeaders: alsoInHeaders) }
            setMembers(members)
        case .task, .chain, .chunks:
            append(errback, to: "link_error")
        }
    }

    /// Adds a chord's error callback to this signature, which is the body of that chord. If this is a group with its
    /// own error callbacks, which will replace those of its tasks, the group gets it; otherwise its tasks do.
    mutating func linkErrorOfChord(_ errback: WireValue) throws(CeleryWireError) {
        guard kind == .group else { return append(errback, to: "link_error") }
        try linkErrorOfBody(errback, isApplied: true)
    }

    /// Adds an error callback to this part of a chord's body. `isApplied` says whether a group is applied as such: a
    /// group within a group is dissolved before, which loses its options.
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

    /// Returns this signature with the given arguments in front of its own, and with the given options in place of its
    /// own. An immutable signature takes no arguments, and neither its place in a group nor its stamps can be replaced.
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

    /// The steps of a chain, with its callbacks at the last step and its error callbacks at all of them. Any other
    /// signature is one step.
    func unchained(errorsInHeaders: Bool) throws(CeleryWireError) -> [CelerySignature] {
        guard kind == .chain else { return [self] }
        var steps = try members()
        guard let last = steps.indices.last else { return [] }
        for callback in list("link") { try steps[last].link(callback) }
        for errback in list("link_error") {
            for index in steps.indices { try steps[index].linkError(errback, alsoInHeaders: errorsInHeaders) }
        }
        return steps
    }

    /// The only member of a group of one, or this signature.
    func unrolled() throws(CeleryWireError) -> CelerySignature {
        guard kind == .group else { return self }
        let members = try members()
        return members.count == 1 ? try members[0].unrolled() : self
    }
}
