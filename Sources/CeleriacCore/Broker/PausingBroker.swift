import CeleriacWire

package import struct FoundationEssentials.Date

/// The note that a queue is paused: no worker shall serve it until somebody takes the note away.
package struct QueuePause: Sendable, Hashable {
    /// The queue.
    package let queue: String
    /// Since when it is paused; nil if the note does not say.
    package var since: Date?
    /// The node names of the workers that served it, and shall serve it again.
    package var nodes: [String]

    package init(queue: String, since: Date?, nodes: [String]) {
        self.queue = queue
        self.since = since
        self.nodes = nodes
    }

    /// Reads a note. Whatever it says, the queue is paused.
    package init(queue: String, note: [UInt8]) {
        let value = (try? WireJSON.decode(note)) ?? .null
        self.init(
            queue: queue, since: value["since"]?.doubleValue.map { Date(timeIntervalSince1970: $0) },
            nodes: value["nodes"]?.arrayValue?.compactMap(\.stringValue) ?? [])
    }

    /// The note as it is kept.
    package var note: [UInt8] {
        let value: WireValue = [
            "since": since.map { .double($0.timeIntervalSince1970) } ?? .null,
            "nodes": .array(nodes.map { .string($0) }),
        ]
        return (try? WireJSON.encode(value, style: .python)) ?? Array("{}".utf8)
    }
}

/// A broker that keeps notes of paused queues, for workers that start later.
package protocol PausingBroker: MessageBroker {
    /// Finds the notes of queues.
    ///
    /// - Parameter queues: the queues' names.
    /// - Returns: the notes of those that are paused.
    /// - Throws: ``CeleriacError`` with code `unavailable`, or the broker's error.
    func pauses(of queues: [String]) async throws -> [QueuePause]

    /// Notes that a queue is paused, in place of an earlier note.
    ///
    /// - Throws: as ``pauses(of:)``.
    func notePause(_ pause: QueuePause) async throws

    /// Takes away the note that a queue is paused.
    ///
    /// - Returns: whether there was one.
    /// - Throws: as ``pauses(of:)``.
    func endPause(of queue: String) async throws -> Bool
}

extension CeleriacError {
    /// Makes the error that says why the notes of paused queues could not be used. Where nobody can be asked, or nobody may
    /// ask, that is no matter of notes, of which whoever reads the error may never have heard.
    ///
    /// - Parameters:
    ///   - broker: the broker's name.
    ///   - isOutOfReach: whether the broker may answer later.
    ///   - cause: what the transport says.
    /// - Returns: the error.
    package static func ofPauseNotes(
        at broker: String, isOutOfReach: Bool, cause: any TransportError
    ) -> CeleriacError {
        if cause.isRefusedLogin { return CeleriacError(.configuration, "cannot use \(broker)", cause: cause) }
        if isOutOfReach { return CeleriacError(.unavailable, "cannot reach \(broker)", cause: cause) }
        return CeleriacError(.configuration, "cannot use the notes of paused queues at \(broker)", cause: cause)
    }
}

extension MessageBroker {
    /// Which queues of these are paused; none where the broker keeps no notes.
    ///
    /// - Throws: as ``PausingBroker/pauses(of:)``.
    package func pausedQueues(among queues: [String]) async throws -> Set<String> {
        guard !queues.isEmpty, let broker = unwrapped as? any PausingBroker else { return [] }
        return Set(try await broker.pauses(of: queues).map(\.queue))
    }
}
