// swift-tools-version: 6.2
import PackageDescription

// Scripts/fuzz sets this together with `--sanitize fuzzer`: libFuzzer then brings the program's `main`. Without it the
// program replays files, which any debugger can watch.
let fuzzes = Context.environment["CELERIAC_FUZZER"] != nil

let package = Package(
    name: "Fuzz",
    dependencies: [
        .package(name: "Celeriac", path: ".."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.81.0"),
    ],
    targets: [
        // All targets in one program; the environment says which one libFuzzer runs.
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                .product(name: "Celeriac", package: "Celeriac"),
                .product(name: "CeleriacCore", package: "Celeriac"),
                .product(name: "CeleriacWire", package: "Celeriac"),
                .product(name: "CeleryWire", package: "Celeriac"),
                .product(name: "MachineryWire", package: "Celeriac"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: fuzzes ? [.define("FUZZER")] : [])
    ],
    swiftLanguageModes: [.v6]
)
