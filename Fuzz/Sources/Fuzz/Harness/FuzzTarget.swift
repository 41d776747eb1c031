/// A reader of outside bytes, and the properties that must hold whatever the bytes are.
struct FuzzTarget: Sendable {
    /// The name in `Scripts/fuzz` and of the corpus's folder.
    let name: String
    /// Takes any bytes. It calls ``finding(_:)`` if a property fails.
    let run: @Sendable ([UInt8]) -> Void

    init(_ name: String, _ run: @escaping @Sendable ([UInt8]) -> Void) {
        self.name = name
        self.run = run
    }

    /// All targets.
    static let all: [FuzzTarget] =
        valueTargets + textTargets + celeryTargets + machineryTargets + amqpTargets + redisTargets + settingsTargets

    /// The target with a name.
    static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}
