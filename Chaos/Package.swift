// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Chaos",
    dependencies: [
        .package(name: "Celeriac", path: ".."),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    ],
    targets: [
        // The worker and the producer of either dialect that Scripts/chaos harms.
        .executableTarget(
            name: "ChaosWorker",
            dependencies: [
                .product(name: "Celeriac", package: "Celeriac"),
                .product(name: "MachineryWire", package: "Celeriac"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        // The bridge that it harms.
        .executableTarget(
            name: "ChaosBridge",
            dependencies: [
                .product(name: "CeleriacBridge", package: "Celeriac"),
                .product(name: "Logging", package: "swift-log"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
