package import CeleriacCore
package import CeleriacWire
import CeleryWire
package import Logging
import NIOConcurrencyHelpers

/// Asks other nodes which tasks were revoked before this node began, as Celery's workers do when they start (`mingle`).
package struct Mingling: Sendable {
    /// How long a node waits for answers, as Celery's workers do.
    package static let bound = Duration.seconds(1)
    /// How long the first tasks wait for a node that has asked, or cannot. The answers' time begins when the question is sent.
    package static let patience = Duration.seconds(2)

    private let nodeName: String
    private let caller: ControlCaller

    /// Makes it; nil at a broker that does not know whether anybody hears the question.
    ///
    /// - Parameters:
    ///   - nodeName: the name of the node that asks.
    ///   - configuration: the names of exchanges and queues.
    ///   - content: the forms that are written and read.
    ///   - broker: where the other nodes are.
    ///   - timers: where it takes its timers from.
    ///   - logger: where to log.
    package init?(
        nodeName: String, configuration: CeleryControlConfiguration = CeleryControlConfiguration(),
        content: ControlContent = ControlContent(), broker: any MessageBroker, timers: any TimerSource, logger: Logger
    ) {
        self.init(
            nodeName: nodeName, configuration: configuration, content: content, broker: broker, clock: LamportClock(),
            timers: timers, logger: logger)
    }

    /// Makes it for a worker, whose clock it shares.
    init?(
        nodeName: String, configuration: CeleryControlConfiguration, content: ControlContent,
        broker: any MessageBroker, clock: LamportClock, timers: any TimerSource, logger: Logger
    ) {
        guard broker.unwrapped is any AudienceBroker else { return nil }
        self.nodeName = nodeName
        caller = ControlCaller(
            configuration: configuration, content: content, limits: .default, broker: broker, clock: clock,
            timers: timers, logger: logger)
    }

    /// Asks, and tells the others what this node knows.
    ///
    /// - Parameters:
    ///   - revoked: the ids of revoked tasks that this node knows of.
    ///   - run: what tells this node from others with its name; nil for a node that need not tell.
    ///   - stopping: ends the wait once it opens.
    ///   - sent: called when the question is published.
    /// - Returns: the ids of the tasks that others know to be revoked, each node's oldest first.
    /// - Throws: the broker's error.
    package func learn(
        telling revoked: [String], run: String? = nil, until stopping: Gate, sent: @escaping @Sendable () -> Void = {}
    ) async throws -> [String] {
        var arguments: WireObject = [
            "from_node": .string(nodeName), "revoked": .array(revoked.map { .string($0) }),
        ]
        if let run { arguments[Namesakes.argument] = .string(run) }
        let request = CeleryControlRequest("hello", arguments: arguments)
        let replies = try await stopping.unlessOpen { [caller] in
            try await caller.call(request, timeout: Self.bound, limit: nil, sent: sent)
        }
        return (replies ?? []).flatMap { Self.ids(in: $0.value["revoked"]) }
    }

    /// The ids of revoked tasks in a greeting, or in the answer to one: Celery 5.7 sends a list, older ones an object by id.
    package static func ids(in value: WireValue?) -> [String] {
        switch value {
        case .array(let ids)?: ids.compactMap(\.stringValue)
        case .object(let ids)?: Array(ids.keys)
        default: []
        }
    }
}

extension CeleryRemoteControl {
    /// Learns which tasks were revoked before this worker began. What comes late counts all the same.
    ///
    /// - Parameters:
    ///   - mingling: asks the others.
    ///   - worker: takes what is learned.
    ///   - stopping: ends the wait once it opens.
    ///   - sent: called when the question is published, or cannot be.
    func mingle(
        by mingling: Mingling, _ worker: WorkerControl, until stopping: Gate, sent: @escaping @Sendable () -> Void
    ) async {
        let run = namesakes.withLockedValue { $0.run }
        do {
            if stopping.isOpen { return sent() }
            let ids = try await mingling.learn(telling: worker.revokedIDs, run: run, until: stopping, sent: sent)
            if !ids.isEmpty {
                worker.revoke(ids)
                logger.info("learned of revoked tasks from other workers", metadata: ["tasks": "\(ids.count)"])
            }
        } catch {
            logger.info("could not ask other workers for revoked tasks", metadata: ["error": "\(error)"])
        }
        sent()
    }
}
