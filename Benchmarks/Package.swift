// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Benchmarks",
    dependencies: [
        .package(name: "Celeriac", path: ".."),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    ],
    targets: [
        // Celeriac as a worker, as a producer and as a bridge.
        .executableTarget(
            name: "CeleriacBench",
            dependencies: [
                .product(name: "Celeriac", package: "Celeriac"),
                .product(name: "CeleriacBridge", package: "Celeriac"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]),
        // The lower bound for every client: C programs that issue only the brokers' commands.
        .executableTarget(
            name: "bare",
            linkerSettings: [.linkedLibrary("hiredis"), .linkedLibrary("rabbitmq")]),
    ],
    swiftLanguageModes: [.v6]
)
