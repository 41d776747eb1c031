// swift-tools-version: 6.2
import PackageDescription

// The worker for Celery's own integration and smoke tests; see README.md. It uses only Celeriac's public API.
let package = Package(
    name: "Conformance",
    dependencies: [
        .package(name: "Celeriac", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    ],
    targets: [
        .executableTarget(
            name: "ConformanceWorker",
            dependencies: [
                .product(name: "Celeriac", package: "Celeriac"),
                .product(name: "CeleriacCommand", package: "Celeriac"),
                .product(name: "CeleryWire", package: "Celeriac"),
                .product(name: "CeleriacWire", package: "Celeriac"),
                .product(name: "Logging", package: "swift-log"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
