// swift-tools-version: 6.2
import PackageDescription

// Scripts/upgrade makes a package of this, of the sources of ChaosWorker and, instead of those with the same names, of
// the sources beside this file. The tree of the earlier commit is next to it.
let package = Package(
    name: "Chaos",
    dependencies: [
        .package(name: "Celeriac", path: "../Celeriac"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
    ],
    targets: [
        .executableTarget(
            name: "ChaosWorker",
            dependencies: [
                .product(name: "Celeriac", package: "Celeriac"),
                .product(name: "MachineryWire", package: "Celeriac"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
