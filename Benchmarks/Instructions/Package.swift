// swift-tools-version: 6.2
import PackageDescription

// This is a separate package, so that it sees only what users see and needs neither a broker library nor TLS.
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
