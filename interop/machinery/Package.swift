// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "MachineryInterop",
    dependencies: [
        .package(name: "Celeriac", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    ],
    targets: [
        // The Swift counterpart of the Go programs in ../go, with the same tasks and checks.
        .executableTarget(
            name: "MachineryPeer",
            dependencies: [
                .product(name: "Celeriac", package: "Celeriac"),
                .product(name: "MachineryWire", package: "Celeriac"),
                .product(name: "Logging", package: "swift-log"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
