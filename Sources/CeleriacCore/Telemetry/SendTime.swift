import CeleriacWire

import struct FoundationEssentials.Date

/// The time at which a message was sent, as a header says it: RabbitMQ's own `timestamp_in_ms`, which its message
/// interceptors write, and senders that are asked to.
enum SendTime {
    /// The header: milliseconds since 1970.
    static let header = "timestamp_in_ms"

    /// The header's value for a time.
    static func value(_ time: Date) -> WireValue {
        .int(Int64(exactly: (time.timeIntervalSince1970 * 1000).rounded()) ?? 0)
    }

    /// From when on a task has waited: since it was sent, or since the time before which it may not run. Nil if its
    /// message does not say when it was sent.
    static func start(of request: TaskRequest) -> Date? {
        guard let milliseconds = milliseconds(request.headers[header]), milliseconds.isFinite else { return nil }
        let sent = Date(timeIntervalSince1970: milliseconds / 1000)
        return request.eta.map { max($0, sent) } ?? sent
    }

    private static func milliseconds(_ value: WireValue?) -> Double? {
        value?.doubleValue ?? value?.stringValue.flatMap { Double($0) }
    }
}
