package import ArgumentParser
package import CeleriacCore

/// Where whoever keeps a process running asks how it does: `--health` and `--metrics`.
package struct HealthOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Answer health checks over HTTP there: GET /live and GET /ready. A port alone is one of 127.0.0.1.",
            valueName: "host:port"))
    package var health: HealthAddress?

    @Flag(help: "Answer GET /metrics there as well, as Prometheus reads it.")
    package var metrics = false

    package init() {}

    package func validate() throws {
        if metrics, health == nil {
            throw ValidationError("--metrics needs --health HOST:PORT, the address at which they are read.")
        }
    }

    /// Where health checks are answered; nil for nowhere.
    package var endpoint: HealthEndpoint? { health?.endpoint }

    /// What is to count; nil if nobody asks.
    package func makeMetrics() -> PrometheusMetrics? { metrics ? PrometheusMetrics() : nil }
}

/// The address of `--health`: `127.0.0.1:8080`, `[::]:8080`, or a port alone.
package struct HealthAddress: ExpressibleByArgument, Hashable {
    package let endpoint: HealthEndpoint

    package init?(argument: String) {
        guard let endpoint = HealthEndpoint(argument) else { return nil }
        self.endpoint = endpoint
    }
}
