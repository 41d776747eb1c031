package import CeleriacWire

/// What is done about a setting of Celery's.
package enum SettingVerdict: Sendable, Equatable {
    /// It does what it does at Celery.
    case honoured
    /// It is taken and does nothing, and a notice says why.
    case withoutEffect(String)
    /// These values, and null, are what happens here in any case. Another is refused, with the reason.
    case limited([WireValue], String)

    /// The verdict in words.
    package var text: String {
        switch self {
        case .honoured: return "honoured"
        case .withoutEffect(let reason): return "taken without effect: \(reason)"
        case .limited(let values, let reason):
            let exception = values.isEmpty ? "" : " unless it is \(Self.list(values))"
            return "refused\(exception): \(reason)"
        }
    }

    /// Values as they stand in a sentence, in JSON; empty without any.
    static func list(_ values: [WireValue]) -> String {
        values.map { value in
            (try? WireJSON.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "\(value)"
        }.joined(separator: " or ")
    }
}
