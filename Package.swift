// swift-tools-version: 6.2
import PackageDescription

/// Settings that every Swift target of the package shares.
let settings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

let amqp: TargetDependencyCondition? = .when(traits: ["AMQP"])
let redis: TargetDependencyCondition? = .when(traits: ["Redis"])
let compression: TargetDependencyCondition? = .when(traits: ["Compression"])
let signing: TargetDependencyCondition? = .when(traits: ["Signing"])

let package = Package(
    name: "Celeriac",
    products: [
        .library(name: "Celeriac", targets: ["Celeriac"]),
        .library(name: "CeleriacCore", targets: ["CeleriacCore"]),
        .library(name: "CeleriacWire", targets: ["CeleriacWire"]),
        .library(name: "CeleryWire", targets: ["CeleryWire"]),
        .library(name: "MachineryWire", targets: ["MachineryWire"]),
        .library(name: "CeleriacBridge", targets: ["CeleriacBridge"]),
        .library(name: "CeleriacCommand", targets: ["CeleriacCommand"]),
        .library(name: "CeleriacTestKit", targets: ["CeleriacTestKit"]),
        .library(name: "CeleriacTesting", targets: ["CeleriacTesting"]),
        .executable(name: "celeriac", targets: ["CeleriacTool"]),
    ],
    traits: [
        .trait(name: "AMQP", description: "RabbitMQ as broker and rpc result store. Needs librabbitmq."),
        .trait(name: "Redis", description: "Redis as broker and result store. Needs hiredis."),
        .trait(
            name: "Compression",
            description: "bzip2, xz and zstd message bodies beside zlib. Needs libbz2, liblzma and libzstd."),
        .trait(
            name: "Signing",
            description: "Celery's signed messages, the serializer auth. Needs libcrypto of OpenSSL 3."),
        // Every Python has bzip2 and xz, and a worker must run what it is sent: a build has to ask to do without.
        .default(enabledTraits: ["AMQP", "Redis", "Compression"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.1.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.81.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.29.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
    ],
    targets: [
        // C libraries: module maps and shims only.
        .systemLibrary(name: "CRabbitMQ", providers: [.apt(["librabbitmq-dev"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CBzip2", providers: [.apt(["libbz2-dev"])]),
        .systemLibrary(name: "CLzma", providers: [.apt(["liblzma-dev"])]),
        .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSpawn"),

        // Floor 1: wire bytes.
        .target(
            name: "CeleriacWire",
            dependencies: [
                "CZlib",
                .target(name: "CBzip2", condition: compression),
                .target(name: "CLzma", condition: compression),
                .target(name: "CZstd", condition: compression),
                .product(name: "OrderedCollections", package: "swift-collections"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        .target(name: "CeleryWire", dependencies: ["CeleriacWire"], swiftSettings: settings),
        .target(name: "MachineryWire", dependencies: ["CeleriacWire"], swiftSettings: settings),

        // The runtime: knows tasks, not formats.
        .target(
            name: "CeleriacCore",
            dependencies: [
                "CeleriacWire",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        // Floor 2: transports. Frames and commands, nothing of tasks.
        .target(
            name: "CeleriacAMQP",
            dependencies: [
                "CeleriacCore", "CeleriacWire",
                .target(name: "CRabbitMQ", condition: amqp),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            swiftSettings: settings),
        .target(
            name: "CeleriacRedis",
            dependencies: [
                "CeleriacCore", "CeleriacWire",
                .target(name: "CHiredis", condition: redis),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings),

        // What both dialects share on a transport: claims, consumers, parked messages, files.
        .target(
            name: "CeleriacQueues",
            dependencies: [
                "CeleriacCore", "CeleriacWire",
                .target(name: "CeleriacAMQP", condition: amqp),
                .target(name: "CeleriacRedis", condition: redis),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),

        // Floor 3: dialects. One task system's formats and topology on each transport.
        .target(
            name: "CeleryDialect",
            dependencies: [
                "CeleryWire", "CeleriacCore", "CeleriacQueues",
                .target(name: "CeleriacAMQP", condition: amqp),
                .target(name: "CeleriacRedis", condition: redis),
                .target(name: "COpenSSL", condition: signing),
            ],
            swiftSettings: settings),

        .target(
            name: "MachineryDialect",
            dependencies: [
                "MachineryWire", "CeleriacCore", "CeleriacQueues",
                .target(name: "CeleriacAMQP", condition: amqp),
                .target(name: "CeleriacRedis", condition: redis),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: settings),

        // The umbrella: turns URLs into brokers and result stores.
        .target(
            name: "Celeriac",
            dependencies: [
                "CeleryDialect", "MachineryDialect", "CeleriacQueues",
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        // Between two of them.
        .target(
            name: "CeleriacBridge",
            dependencies: [
                "Celeriac", "CeleriacCore", "CeleriacWire", "CeleryDialect", "CeleryWire", "MachineryDialect",
                "MachineryWire",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        // Around it.
        .target(
            name: "CeleriacTestKit",
            dependencies: [
                "Celeriac", "CeleriacCore", "CeleriacWire", "CeleryDialect", "CeleryWire", "CSpawn", "MachineryWire",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            swiftSettings: settings),
        // Apart from the kit, which the command has too: a program should not need Testing's library.
        .target(name: "CeleriacTesting", dependencies: ["CeleriacTestKit"], swiftSettings: settings),
        .target(
            name: "CeleriacCommand",
            dependencies: [
                "CSpawn", "Celeriac", "CeleriacCore", "CeleriacQueues", "CeleriacWire", "CeleryDialect",
                "CeleryWire", "MachineryWire",
                .target(name: "CeleriacAMQP", condition: amqp),
                .target(name: "CeleriacRedis", condition: redis),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "OrderedCollections", package: "swift-collections"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "CeleriacTool",
            dependencies: [
                "Celeriac", "CeleriacBridge", "CeleriacCommand", "CeleriacCore", "CeleriacTestKit", "CeleriacWire",
                "CeleryDialect", "CeleryWire", "MachineryWire",
                .target(name: "CeleriacAMQP", condition: amqp),
                .target(name: "CeleriacRedis", condition: redis),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        // What tests of several targets share and users of the test kit do not need.
        .target(
            name: "TestSupport",
            dependencies: [
                "CeleriacCore", "CeleriacWire", .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            path: "Tests/TestSupport", swiftSettings: settings),

        // Tests: one folder per target; Compat reads recorded evidence; Live needs real servers and peers.
        .testTarget(name: "CeleriacWireTests", dependencies: ["CeleriacWire", "TestSupport"], swiftSettings: settings),
        .testTarget(name: "CeleryWireTests", dependencies: ["CeleryWire", "TestSupport"], swiftSettings: settings),
        .testTarget(name: "MachineryWireTests", dependencies: ["MachineryWire"], swiftSettings: settings),
        .testTarget(
            name: "CeleriacCoreTests",
            dependencies: [
                "CeleriacCore", "CeleriacTestKit", "TestSupport",
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "CeleriacAMQPTests",
            dependencies: [
                "CeleriacAMQP", "CeleriacCore", "CeleriacTestKit", "CeleriacWire",
                .target(name: "CRabbitMQ", condition: amqp),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            exclude: ["Fixtures"], swiftSettings: settings),
        .testTarget(
            name: "CeleriacRedisTests",
            dependencies: [
                "CeleriacCore", "CeleriacRedis", "CeleriacTestKit", "TestSupport",
                .target(name: "CHiredis", condition: redis),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "CeleriacQueuesTests",
            dependencies: [
                "CeleriacQueues", "CeleriacCore", "CeleriacTestKit", "CeleriacWire", "TestSupport",
                .target(name: "CeleriacAMQP", condition: amqp),
                .target(name: "CeleriacRedis", condition: redis),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "CeleryDialectTests",
            dependencies: [
                "CeleryDialect", "CeleriacQueues", "CeleriacTestKit", "TestSupport",
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            exclude: ["Fixtures"], swiftSettings: settings),
        .testTarget(
            name: "MachineryDialectTests",
            dependencies: [
                "MachineryDialect", "CeleriacTestKit", "TestSupport",
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "CeleriacCommandTests",
            dependencies: [
                "Celeriac", "CeleriacCommand", "CeleriacTestKit", "CeleriacTool", "CeleriacWire", "CeleryDialect",
                "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "CeleriacBridgeTests",
            dependencies: [
                "Celeriac", "CeleriacBridge", "CeleriacCore", "CeleriacTestKit", "CeleriacWire", "CeleryDialect",
                "CeleryWire", "MachineryDialect", "MachineryWire", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "CompatTests", dependencies: ["CeleryWire", "MachineryWire"], path: "Compat",
            exclude: [
                "api.txt", "celery", "celery-suite", "kit", "machinery", "README.md", "MATRIX.md", "METRICS.md",
                "RELIABILITY.md", "SCORES.md", "SETTINGS.md", "inventory.py",
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "LiveWorker",
            dependencies: [
                "Celeriac",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Tests/LiveWorker", swiftSettings: settings),
        .executableTarget(
            name: "LiveProgram", dependencies: ["Celeriac", "CeleriacCommand", "LiveTasks"],
            path: "Tests/LiveProgram", swiftSettings: settings),
        // What workers of live tests in this process and in processes of their own can do.
        .target(
            name: "LiveTasks", dependencies: ["Celeriac", "CeleriacWire"], path: "Tests/LiveTasks",
            swiftSettings: settings),
        .testTarget(
            name: "LiveTests",
            dependencies: [
                "Celeriac", "CeleriacBridge", "CeleriacCore", "CeleriacTestKit", "CeleriacTesting", "CeleriacTool",
                "CeleriacWire", "CeleryDialect", "CeleryWire", "LiveProgram", "LiveTasks", "LiveWorker",
                "MachineryDialect", "MachineryWire", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
