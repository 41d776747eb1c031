package import CeleriacWire

package import struct FoundationEssentials.Date

/// A message that a worker holds, as its broker shows it to others.
package struct ClaimedMessage: Sendable {
    /// The name of the claim at its broker.
    package var id: String
    /// The message.
    package var content: WireMessage
    /// When its worker last said that it lives.
    package var renewed: Date
    /// Whether that is so long ago that the worker must have ended.
    package var isExpired: Bool
    /// The id of its task; nil if the message does not say.
    package var taskID: String?
    /// The name of its task; nil like ``taskID``.
    package var task: String?

    /// Makes a claimed message.
    package init(id: String, content: WireMessage, renewed: Date, isExpired: Bool) {
        self.id = id
        self.content = content
        self.renewed = renewed
        self.isExpired = isExpired
    }
}

/// A broker at which the claims of a worker that was killed stay until somebody gives them back.
package protocol ClaimKeeper: MessageBroker {
    /// Lists what workers hold of a queue, the one whose worker was last heard of longest ago first.
    ///
    /// - Throws: the broker's error.
    func claims(in queue: String) async throws -> [ClaimedMessage]

    /// Puts back into a queue what workers held that have ended, as any worker of the queue would.
    ///
    /// - Returns: how many messages.
    /// - Throws: the broker's error.
    func giveBackExpiredClaims(in queue: String) async throws -> Int
}

extension TaskSender {
    /// Lists what workers hold of a queue, with the task that each message is of.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where nobody needs to, or the broker's error.
    package func claims(in queue: String) async throws -> [ClaimedMessage] {
        try await claimKeeper.claims(in: queue).map { claim in
            var claim = claim
            let request = client.dialect.task(of: claim.content, inQueue: queue)
            claim.taskID = request?.id
            claim.task = request.flatMap { $0.name.isEmpty ? nil : $0.name }
            return claim
        }
    }

    /// Puts back into a queue what workers held that have ended.
    ///
    /// - Returns: how many messages.
    /// - Throws: as ``claims(in:)``.
    package func giveBackExpiredClaims(in queue: String) async throws -> Int {
        try await claimKeeper.giveBackExpiredClaims(in: queue)
    }

    private var claimKeeper: any ClaimKeeper {
        get throws {
            if let keeper = client.broker.unwrapped as? any ClaimKeeper { return keeper }
            throw CeleriacError(
                .unsupported,
                "\(client.broker.name) keeps no claims that somebody has to give back: only Machinery's queues in Redis do"
            )
        }
    }
}
