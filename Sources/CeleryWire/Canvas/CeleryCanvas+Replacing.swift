import CeleriacWire

extension CeleryCanvas {
    /// A signature in the place of a task that runs: with its id, its place in a group or chord, its stamps, one level
    /// deeper in replacing, and before what comes after the task in its chain.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` for what is no signature.
    public mutating func replacing(
        _ task: CeleryTaskMessage, by signature: CelerySignature
    ) throws(CeleryWireError) -> CelerySignature {
        var signature = signature
        if signature.kind == .chain {
            signature = .chain(try signature.unchained(), options: signature.options)
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
        // Last first, as it stands in the message.
        var rest = (task.embed.chain?.arrayValue ?? [])
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
