import CeleriacWire

/// The answer to a health check.
struct HealthReport: Sendable, Equatable {
    /// What a worker is asked.
    enum Question: String, Sendable, CaseIterable {
        /// Whether its process should be kept.
        case live
        /// Whether it takes tasks.
        case ready
    }

    let question: Question
    /// The worker's node name.
    let worker: String
    /// Why it is not; empty if it is.
    let reasons: [String]

    /// Whether it is.
    var isGood: Bool { reasons.isEmpty }

    /// The report as JSON.
    var json: [UInt8] {
        Self.json([
            question.rawValue: .bool(isGood), "worker": .string(worker),
            "reasons": .array(reasons.map { .string($0) }),
        ])
    }

    /// A line of JSON.
    static func json(_ object: WireObject) -> [UInt8] {
        ((try? WireJSON.encode(.object(object), style: .readable)) ?? Array("{}".utf8)) + [UInt8(ascii: "\n")]
    }
}
