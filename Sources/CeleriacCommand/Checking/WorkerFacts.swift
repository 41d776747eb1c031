import CeleriacWire

/// What a worker says of itself, for an examination.
struct WorkerFacts: Sendable {
    let node: String
    /// Its settings by Celery's names; empty if it has not told them.
    var settings: WireObject = [:]
    /// Its software with the version, such as `py-celery 5.7.0`; nil if nobody has heard.
    var software: String?
    /// By how many seconds its clock is ahead of this one; nil if nobody has heard.
    var clockOffset: Double?
    /// In how many seconds its latest task begins that waits for its time; nil if none waits.
    var latestETA: Double?
    /// The queues that it serves, with their arguments; nil if it has not told them.
    var queues: [String: WireObject]?

    init(_ node: String) { self.node = node }

    /// Whether it is a worker in Swift, which renews what it holds.
    var isSwift: Bool { software?.hasPrefix("celeriac") ?? (settings["worker_hijack_root_logger"] == false) }

    /// A setting; nil if the worker has not told it, or only that there is a secret.
    func value(_ name: String) -> WireValue? {
        let value =
            if name.hasPrefix(Self.optionPrefix) {
                settings["broker_transport_options"]?[String(name.dropFirst(Self.optionPrefix.count))]
                    ?? Self.optionDefaults[name]
            } else {
                settings[name]
            }
        guard let value, !Self.isSecret(value) else { return nil }
        return value
    }

    /// A setting as a number of seconds; nil for none.
    func seconds(_ name: String) -> Double? { value(name)?.doubleValue }

    /// How names of options of the transport begin here.
    static let optionPrefix = "broker_transport_options."
    /// What kombu has where an option is not set.
    private static let optionDefaults: [String: WireValue] = [
        "broker_transport_options.visibility_timeout": 3600, "broker_transport_options.priority_steps": [0, 3, 6, 9],
        "broker_transport_options.sep": "\u{06}\u{16}",
    ]

    private static func isSecret(_ value: WireValue) -> Bool { value.stringValue?.contains("***") ?? false }
}
