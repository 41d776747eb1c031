// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Examples",
    dependencies: [
        .package(name: "Celeriac", path: ".."),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.81.0"),
    ],
    targets: [
        // Machinery's own walkthrough in Swift, with the same tasks, workflows and output.
        .executableTarget(
            name: "MachineryWalkthrough",
            dependencies: [
                .product(name: "Celeriac", package: "Celeriac"),
                .product(name: "MachineryWire", package: "Celeriac"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        // What Deployment/ puts into an image.
        .executableTarget(
            name: "DeployedWorker",
            dependencies: [
                .product(name: "Celeriac", package: "Celeriac"),
                .product(name: "CeleriacCommand", package: "Celeriac"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
