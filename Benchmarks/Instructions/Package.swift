// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that it sees what users see and needs no broker library and no TLS.
let package = Package(
    name: "Instructions",
    dependencies: [.package(name: "Celeriac", path: "../..", traits: [])],
    targets: [
        .executableTarget(
            name: "Instructions",
            dependencies: [
                .product(name: "Celeriac", package: "Celeriac"),
                .product(name: "CeleriacCore", package: "Celeriac"),
                .product(name: "CeleriacWire", package: "Celeriac"),
                .product(name: "CeleryWire", package: "Celeriac"),
                .product(name: "MachineryWire", package: "Celeriac"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
