// swift-tools-version: 6.2
import PackageDescription

let celeriac = Target.Dependency.product(name: "Celeriac", package: "Celeriac")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")

let package = Package(
    name: "WebProgress",
    dependencies: [
        .package(name: "Celeriac", path: "../.."),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
    ],
    targets: [
        .target(
            name: "WebProgress",
            dependencies: [
                celeriac, hummingbird,
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(name: "WebProgressServer", dependencies: ["WebProgress", celeriac, hummingbird]),
        .testTarget(
            name: "WebProgressTests",
            dependencies: [
                "WebProgress", celeriac, hummingbird,
                .product(name: "HummingbirdTesting", package: "hummingbird"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
