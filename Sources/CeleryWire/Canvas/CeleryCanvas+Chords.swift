import CeleriacWire

/// Groups, and chords, whose headers are groups.
extension CeleryCanvas {
    mutating func applyGroup(
        _ signature: CelerySignature, args: [WireValue], kwargs: WireObject, options: WireObject
    ) throws(CeleryWireError) -> CeleryResultTuple {
        let merged = signature.merging(options: options)
        let groupID = merged.id ?? newID()
        let rootID = merged.options["root_id"]?.stringValue
        // A link_error of the group replaces the members' own, as in Celery.
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
                // Members that already belong to a header are counted there and not under this group.
                add(.openChord(groupID: groupID, size: size))
            }
            var options = passed
            if let body { options["chord"] = body }
            if let result = try apply(member, args: args, kwargs: kwargs, options: options) { results.append(result) }
        }
        if results.count == 1, results[0].members != nil { return results[0] }
        return CeleryResultTuple(id: groupID, members: results)
    }

    /// The members of a group and of the groups within it, in order and without empty chains.
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

    /// Refuses chords, even later in a chain, if no store or task could tell that their headers are complete.
    func checkChords() throws(CeleryWireError) {
        guard chords != .impossible else {
            throw CeleryWireError(
                .chordsUnsupported, "chords need results that are kept: use redis:// or file:// for results")
        }
    }

    mutating func applyChord(
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

    /// The task that polls the results of a chord's header.
    package static let unlock = "celery.chord_unlock"
    /// Its argument from which Python's workers know, when they send it again, whether RabbitMQ can keep it until its time:
    /// the type of the queue's exchange, which the application knows.
    package static let unlockExchangeType = "_chord_unlock_exchange_type"

    /// Publishes the task that polls the results of the header, for result stores that do not count them.
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
            task: Self.unlock, args: [.string(groupID), body.encode()],
            kwargs: [
                "interval": interval ?? .null, "max_retries": retries ?? .null,
                "result": .array(results.map { $0.encode() }),
                Self.unlockExchangeType: body.options["exchange_type"] ?? "direct",
            ],
            options: options)
        try apply(unlock)
    }
}
