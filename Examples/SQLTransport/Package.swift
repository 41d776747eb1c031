// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "SQLTransport",
    products: [.library(name: "SQLTransport", targets: ["SQLTransport"])],
    dependencies: [
        .package(name: "Celeriac", path: "../.."),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        .target(
            name: "SQLTransport",
            dependencies: [
                .product(name: "Celeriac", package: "Celeriac"),
                .product(name: "CeleriacCore", package: "Celeriac"),
                .product(name: "CeleriacWire", package: "Celeriac"),
                .product(name: "CeleryWire", package: "Celeriac"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            resources: [.embedInCode("SQL")]),
        .executableTarget(name: "SQLWorker", dependencies: ["SQLTransport"]),
        .testTarget(
            name: "SQLTransportTests",
            dependencies: ["SQLTransport", "SQLWorker", .product(name: "CeleriacTestKit", package: "Celeriac")]),
    ]
)
