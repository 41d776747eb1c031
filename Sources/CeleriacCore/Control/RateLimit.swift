/// How often a worker may begin a task, written as Celery writes it: `10`, `10/s`, `100/m`, `100/h`.
public struct RateLimit: Sendable, Hashable, CustomStringConvertible {
    /// The limit as it was written.
    public let description: String
    /// Runs a second; more than 0.
    public let perSecond: Double

    /// Reads a limit; nil for text that is none, and for one of no runs at all.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let number = parts.first.flatMap({ Double($0) }), number.isFinite, number > 0 else { return nil }
        let seconds: Double
        switch parts.count == 2 ? parts[1] : "s" {
        case "s", "": seconds = 1
        case "m": seconds = 60
        case "h": seconds = 3600
        default: return nil
        }
        description = text
        perSecond = number / seconds
    }
}
