public import CeleriacCore
public import MachineryWire

public import struct FoundationEssentials.Date

/// What sending a workflow comes to.
public struct MachinerySubmission: Sendable {
    /// Groups to store first.
    public var groups: [GroupRecord] = []
    /// States to store then.
    public var records: [ResultRecord] = []
    /// Messages to publish at last.
    public var messages: [OutgoingMessage] = []
}

extension MachineryFormats {
    /// What sending one task comes to, with all that it carries.
    ///
    /// - Throws: ``CeleriacError`` with code `argumentMismatch` or `unsupported` for what a Go worker could not take.
    public func submission(of signature: MachinerySignature, now: Date, expiry: Duration?) throws(CeleriacError)
        -> MachinerySubmission
    {
        try check(signature)
        return MachinerySubmission(
            records: [try pending(signature, now: now, expiry: expiry)], messages: [try outgoing(signature, now: now)])
    }

    /// What sending a chain comes to: the first task.
    ///
    /// - Throws: as ``submission(of:now:expiry:)-(MachinerySignature,_,_)``, and `configuration` for an empty chain.
    public func submission(of chain: MachineryChain, now: Date, expiry: Duration?) throws(CeleriacError)
        -> MachinerySubmission
    {
        guard let first = chain.nested else { throw CeleriacError(.configuration, "the chain has no tasks") }
        return try submission(of: first, now: now, expiry: expiry)
    }

    /// What sending a group comes to: the group, then the states of all members, then the members. A Go worker fails
    /// where it does not find a member's state.
    ///
    /// - Throws: as ``submission(of:now:expiry:)-(MachinerySignature,_,_)``, and `configuration` for an empty group.
    public func submission(of group: MachineryGroup, now: Date, expiry: Duration?) throws(CeleriacError)
        -> MachinerySubmission
    {
        try submission(group.groupUUID, group.tasks, now, expiry)
    }

    /// What sending a chord comes to: its group, each member with the callback inside.
    ///
    /// - Throws: as of a group.
    public func submission(of chord: MachineryChord, now: Date, expiry: Duration?) throws(CeleriacError)
        -> MachinerySubmission
    {
        try submission(chord.group.groupUUID, chord.members, now, expiry)
    }

    private func submission(
        _ groupUUID: String, _ members: [MachinerySignature], _ now: Date, _ expiry: Duration?
    ) throws(CeleriacError) -> MachinerySubmission {
        guard !members.isEmpty else { throw CeleriacError(.configuration, "the group has no tasks") }
        var whole = MachinerySubmission(
            groups: [groupRecord(groupUUID, taskUUIDs: members.map(\.uuid), now: now, expiry: expiry)])
        for member in members {
            let one = try submission(of: member, now: now, expiry: expiry)
            whole.records += one.records
            whole.messages += one.messages
        }
        return whole
    }
}
