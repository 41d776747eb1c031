import CeleriacCore
import CeleriacWire
import CeleryWire
import Logging

/// What all commands of one worker share.
final class CeleryControlNode: Sendable {
    let clock: LamportClock
    let events: EventDispatcher
    /// What `inspect conf` tells: settings by Celery's names, without passwords.
    let settings: WireObject
    let broker: any Broker
    let software: CeleryEventFields.Software
    let logger: Logger

    init(
        clock: LamportClock, events: EventDispatcher, settings: WireObject, broker: any Broker,
        software: CeleryEventFields.Software, logger: Logger
    ) {
        self.clock = clock
        self.events = events
        self.settings = settings
        self.broker = broker
        self.software = software
        self.logger = logger
    }
}
