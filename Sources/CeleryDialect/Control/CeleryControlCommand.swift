public import CeleriacWire

/// A remote control command: what a worker does when its name is broadcast.
///
/// ```swift
/// CeleryControlCommand("free_space") { call in .object(["ok": .int(freeBytes(in: call.text("folder")))]) }
/// ```
///
/// What it returns is the reply. What it throws is replied as `{"error": "<the exception as Python shows it>"}`; throw a
/// ``TaskFailure`` to choose its class. Commands are carried out one after the other: one that takes long keeps others
/// waiting.
public struct CeleryControlCommand: Sendable {
    /// Its name.
    public let name: String
    /// Other names under which it can be called.
    public let aliases: [String]
    let run: @Sendable (CeleryControlCall) async throws -> WireValue

    /// Makes a command.
    public init(
        _ name: String, aliases: [String] = [], run: @escaping @Sendable (CeleryControlCall) async throws -> WireValue
    ) {
        self.name = name
        self.aliases = aliases
        self.run = run
    }
}
