// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Benchmarks",
    targets: [
        // The floor under every client: programs in C that issue just the brokers' commands.
        .executableTarget(
            name: "bare",
            linkerSettings: [.linkedLibrary("hiredis"), .linkedLibrary("rabbitmq"), .linkedLibrary("m")])
    ]
)
