import InMemoryTracing
import Metrics
import MetricsTestKit
import Tracing

/// Turns on what the worker tells of its tasks, for what that costs to be measured. What it tells stays in memory.
enum Telemetry {
    /// Bootstraps what is named, before an application is made.
    static func bootstrap(_ kinds: Set<String>) {
        if kinds.contains("metrics") { MetricsSystem.bootstrap(TestMetrics()) }
        if kinds.contains("traces") {
            InstrumentationSystem.bootstrap(InMemoryTracer(recordInjections: false, recordExtractions: false))
        }
    }
}
