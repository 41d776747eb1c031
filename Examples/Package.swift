// swift-tools-version: 6.2
import PackageDescription

let celeriac = Target.Dependency.product(name: "Celeriac", package: "Celeriac")

let package = Package(
    name: "Examples",
    dependencies: [
        .package(name: "Celeriac", path: ".."),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.81.0"),
    ],
    targets: [
        // A shop whose tasks Python and Swift share: the names, a worker with Celery's command line, a producer.
        .target(name: "ShopTasks", dependencies: [celeriac]),
        .executableTarget(
            name: "ShopWorker",
            dependencies: ["ShopTasks", celeriac, .product(name: "CeleriacCommand", package: "Celeriac")]),
        .executableTarget(name: "ShopOrders", dependencies: ["ShopTasks", celeriac]),

        // Machinery's own walkthrough in Swift, with the same tasks, workflows and output.
        .executableTarget(
            name: "MachineryWalkthrough",
            dependencies: [
                celeriac,
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
