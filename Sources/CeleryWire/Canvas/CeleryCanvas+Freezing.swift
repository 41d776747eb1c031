import CeleriacWire

extension CeleryCanvas {
    /// Gives ids and places to a signature and everything inside it, and returns a reference to the future result.
    mutating func freeze(
        _ signature: inout CelerySignature, id: String?, rootID: String?, place: CeleryPlace
    ) throws(CeleryWireError) -> CeleryResultTuple {
        switch signature.kind {
        case .task: return freezeTask(&signature, id: id, rootID: rootID, place: place)
        case .chain:
            let (tasks, result) = try prepare(
                signature.members(), args: signature.args, kwargs: [:], errbacks: [], rootID: rootID,
                lastID: id ?? signature.id, place: place)
            signature.setMembers(tasks.reversed())
            signature.args = []
            guard let result else { throw .invalid("tasks", "a chain must have tasks") }
            // The id of a chain is that of its last task.
            if result.members == nil { signature.options["task_id"] = .string(result.id) }
            return result
        case .group:
            return try freezeGroup(&signature, rootID: rootID, place: place)
        case .chord:
            try checkChords()
            var header = try signature.header()
            if header.id == nil { header.options["task_id"] = signature.options["task_id"] }
            let headerResult = try freezeGroup(&header, rootID: rootID, place: CeleryPlace())
            var body = try signature.body()
            let result = try freeze(&body, id: id, rootID: rootID, place: place)
            signature.setHeader(header)
            signature.setBody(body)
            signature.options["task_id"] = header.options["task_id"]
            return result.following(headerResult)
        case .chunks:
            signature = try signature.chunkGroup()
            return try freezeGroup(&signature, rootID: rootID, place: place)
        }
    }

    private func freezeTask(
        _ signature: inout CelerySignature, id: String?, rootID: String?, place: CeleryPlace
    ) -> CeleryResultTuple {
        let own = signature.id ?? id ?? newID()
        signature.options["task_id"] = .string(own)
        if let rootID { signature.options["root_id"] = .string(rootID) }
        if signature.options["reply_to"] == nil, !lineage.replyTo.isEmpty {
            signature.options["reply_to"] = .string(lineage.replyTo)
        }
        if let groupID = place.groupID, signature.options["group_id"] == nil {
            signature.options["group_id"] = .string(groupID)
        }
        if let chord = place.chord { signature.options["chord"] = chord }
        if let index = place.groupIndex { signature.options["group_index"] = .int(Int64(index)) }
        return CeleryResultTuple(id: own)
    }

    private mutating func freezeGroup(
        _ group: inout CelerySignature, rootID: String?, place: CeleryPlace
    ) throws(CeleryWireError) -> CeleryResultTuple {
        let groupID = group.id ?? newID()
        group.options["task_id"] = .string(groupID)
        if let id = place.groupID { group.options["group_id"] = .string(id) }
        if let chord = place.chord { group.options["chord"] = chord }
        if let index = place.groupIndex { group.options["group_index"] = .int(Int64(index)) }
        if group.options["root_id"] == nil, let rootID { group.options["root_id"] = .string(rootID) }
        var members = try Self.flattened(group)
        var results: [CeleryResultTuple] = []
        for index in members.indices {
            let place = CeleryPlace(groupID: place.groupID, groupIndex: index, chord: place.chord)
            results.append(try freeze(&members[index], id: nil, rootID: rootID, place: place))
        }
        group.setMembers(members)
        return CeleryResultTuple(id: groupID, members: results)
    }
}

extension CeleryResultTuple {
    /// Returns this result with `first` as the parent of its oldest ancestor.
    func following(_ first: CeleryResultTuple?) -> CeleryResultTuple {
        guard let first else { return self }
        var result = self
        result.parent = parent?.following(first) ?? first
        return result
    }
}

extension CelerySignature {
    /// The number of parts that the signature counts for in the header of a chord.
    func partCount() throws(CeleryWireError) -> Int {
        switch kind {
        case .task: return 1
        case .group:
            var count = 0
            for member in try members() { count += try member.partCount() }
            return count
        case .chain:
            for member in try members().reversed() {
                let count = try member.partCount()
                if count > 0 { return count }
            }
            return 0
        case .chord: return try body().partCount()
        case .chunks: return try chunkGroup().partCount()
        }
    }

    /// The group of starmaps that runs a `chunks` signature.
    func chunkGroup() throws(CeleryWireError) -> CelerySignature {
        guard case .array(let items)? = kwargs["it"], let size = kwargs["n"]?.intValue, size > 0,
            let task = kwargs["task"]
        else { throw .invalid("it", "chunks must have a task, a list of items and a size") }
        let starmaps = stride(from: 0, to: items.count, by: size).map { start in
            CelerySignature(
                task: "celery.starmap",
                kwargs: ["task": task, "it": .array(Array(items[start..<min(start + size, items.count)]))],
                subtaskType: "xstarmap")
        }
        return .group(starmaps, options: options)
    }
}

extension CeleryCanvas {
    /// Prepares a signature that replaces a running task. It takes over the task's id, its place in a group or chord
    /// and its stamps, precedes the rest of the task's chain, and adds one to its count of replacements.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` for an invalid signature.
    package mutating func replacing(
        _ task: CeleryTaskMessage, by signature: CelerySignature
    ) throws(CeleryWireError) -> CelerySignature {
        var signature = signature
        if signature.kind == .chain {
            signature = .chain(
                try signature.unchained(errorsInHeaders: linksErrorsInHeaders), options: signature.options)
            signature.options["link"] = nil
            signature.options["link_error"] = nil
        }
        _ = try freeze(&signature, id: task.id, rootID: nil, place: CeleryPlace())
        let nesting = WireValue.int(Int64(task.replacedTaskNesting.nextOrLast))
        var options: WireObject = ["replaced_task_nesting": nesting]
        if let chord = task.embed.chord { options["chord"] = chord }
        if let group = task.group { options["group_id"] = .string(group) }
        if let index = task.groupIndex { options["group_index"] = .int(Int64(index)) }
        if let root = task.rootID { options["root_id"] = .string(root) }
        if let names = task.stampedHeaders, !names.isEmpty {
            options["stamped_headers"] = .array(names.map { .string($0) })
            for name in names { options[name] = task.stamps[name] }
        }
        for (name, value) in options where signature.options[name] == nil || name != "stamped_headers" {
            signature.options[name] = value
        }
        if signature.kind == .chain {
            var steps = try signature.members()
            for index in steps.indices { steps[index].options["replaced_task_nesting"] = nesting }
            signature.setMembers(steps)
        }
        // The message carries the chain in reverse order.
        var rest = task.embed.chain?.arrayValue ?? []
        guard !rest.isEmpty else { return signature }
        var whole = [signature]
        while let next = rest.popLast() {
            var step = try CelerySignature.decode(next)
            step.options["replaced_task_nesting"] = nesting
            whole.append(step)
        }
        return .chain(whole)
    }
}
