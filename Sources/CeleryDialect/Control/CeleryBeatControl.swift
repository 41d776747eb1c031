package import CeleriacCore
import CeleriacWire
import CeleryWire
package import Logging

/// Answers `ping` for a beat, as Celery's does with `beat_enable_remote_control`. It answers no other command: an error from
/// the beat would only clutter the replies of workers. It is silent once the beat has not looked at its schedule for too
/// long, since a probe takes any reply for a sign of life.
package struct CeleryBeatControl: Sendable {
    private let node: CeleryControlNode

    /// Makes it; nil at a broker that carries no remote control.
    ///
    /// - Parameters:
    ///   - nodeName: the name under which the beat answers.
    ///   - maximumAge: how long ago the beat may have looked at its schedule, nil for ever.
    ///   - configuration: the names of exchanges and queues.
    ///   - content: the forms that are read.
    ///   - broker: where requests come from.
    ///   - logger: where to log.
    ///   - age: how long ago the beat has looked at its schedule; nil before it began.
    package init?(
        nodeName: String, maximumAge: Duration?, configuration: CeleryControlConfiguration, content: ControlContent,
        broker: any MessageBroker, logger: Logger, age: @escaping @Sendable () -> Duration?
    ) {
        let node = CeleryControlNode(
            "beat", nodeName: nodeName, configuration: configuration, content: content, broker: broker, logger: logger
        ) { request in
            guard request.method == "ping" else { return nil }
            if let maximumAge, let passed = age(), passed > maximumAge {
                logger.warning(
                    "the beat does not answer, since it has not looked at its schedule for too long",
                    metadata: ["seconds": "\(passed.seconds)", "limit": "\(maximumAge.seconds)"])
                return nil
            }
            return ["ok": "pong"]
        }
        guard let node else { return nil }
        self.node = node
    }

    /// How long ago a beat may have looked at its schedule, by `beat_remote_control_max_tick_age`: as in Celery, zero is
    /// for ever, and without the setting it is twice the longest pause, but no less than a minute.
    package static func maximumAge(_ setting: Duration?, maximumPause: Duration) -> Duration? {
        guard let setting else { return max(maximumPause * 2, .seconds(60)) }
        return setting > .zero ? setting : nil
    }

    /// Answers until `stopping` opens.
    package func answer(until stopping: Gate) async { await node.answer(until: stopping) }
}
