import Glibc

/// What the environment says of a run.
struct BenchSettings: Sendable {
    let broker: String
    /// Where results go; nil if nobody wants them.
    let results: String?
    let queue: String
    let isMachinery: Bool
    /// How many handlers run at once.
    let concurrency: Int
    /// How many messages a worker holds for each handler.
    let multiplier: Int
    /// How long results are kept, in seconds: a day as in Celery, unless the environment says otherwise.
    let resultExpiry: Int
    /// Which of `events`, `metrics` and `traces` are on.
    let telemetry: Set<String>
    /// Whether a worker serves `bench.add` alone.
    let hasOneHandler: Bool
    /// The file in which tasks are counted.
    let counterPath: String?
    /// The file in which late tasks are counted by how late they begin.
    let latenessPath: String?

    init() {
        broker = Self.environment("BENCH_BROKER") ?? ""
        results = Self.environment("BENCH_RESULTS")
        queue = Self.environment("BENCH_QUEUE") ?? ""
        isMachinery = Self.environment("BENCH_DIALECT") == "machinery"
        concurrency = Self.number("BENCH_CONCURRENCY") ?? 100
        multiplier = Self.number("BENCH_MULTIPLIER") ?? 4
        resultExpiry = Self.number("BENCH_EXPIRY") ?? 86_400
        telemetry = Set((Self.environment("BENCH_TELEMETRY") ?? "").split(separator: ",").map { String($0) })
        hasOneHandler = Self.environment("BENCH_HANDLERS") == "add"
        counterPath = Self.environment("BENCH_COUNT")
        latenessPath = Self.environment("BENCH_LATENESS")
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    private static func number(_ name: String) -> Int? {
        environment(name).flatMap { Int($0) }
    }
}
