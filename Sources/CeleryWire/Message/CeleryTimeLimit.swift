import CeleriacWire

/// The time limits of one call, in seconds. `nil` leaves a limit to the task's own setting.
///
/// The runtime's `TimeLimits` holds the same limits as durations. It is a separate type because programs that use only
/// the wire formats do not link the runtime.
public struct CeleryTimeLimit: Sendable, Hashable {
    /// The worker ends the task after this many seconds.
    public var hard: Double?
    /// The worker asks the task to finish after this many seconds.
    public var soft: Double?

    /// Creates limits.
    public init(hard: Double? = nil, soft: Double? = nil) {
        self.hard = hard
        self.soft = soft
    }
}

extension CeleryTimeLimit {
    /// Reads `[hard, soft]`, in that order. Celery treats zero, like null and an empty array, as no limit.
    init(_ value: WireValue) throws(CeleryWireError) {
        switch value {
        case .null: self.init()
        case .array(let limits) where limits.isEmpty: self.init()
        case .array(let limits) where limits.count == 2:
            self.init(hard: try Self.seconds(limits[0]), soft: try Self.seconds(limits[1]))
        default:
            throw .invalid("timelimit", "must be null or an array of two: [hard, soft]")
        }
    }

    private static func seconds(_ value: WireValue) throws(CeleryWireError) -> Double? {
        if value.isNull { return nil }
        guard let seconds = value.doubleValue, seconds.isFinite, seconds >= 0 else {
            throw .invalid("timelimit", "a limit must be a number of seconds or null")
        }
        return seconds == 0 ? nil : seconds
    }

    /// `[hard, soft]`. Whole seconds are integers, which is what callers usually give.
    var wireValue: WireValue {
        .array([Self.wireValue(hard), Self.wireValue(soft)])
    }

    private static func wireValue(_ seconds: Double?) -> WireValue {
        guard let seconds else { return .null }
        return Int64(exactly: seconds).map { .int($0) } ?? .double(seconds)
    }

    /// Refuses what decoding would refuse: Python ignores such a limit or fails on it.
    func check() throws(CeleryWireError) {
        for limit in [hard, soft] {
            if let limit, !limit.isFinite || limit < 0 {
                throw .invalid("timelimit", "a limit must be a number of seconds")
            }
        }
    }
}
