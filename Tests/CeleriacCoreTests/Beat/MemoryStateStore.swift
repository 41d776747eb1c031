import CeleriacCore
import NIOConcurrencyHelpers

/// State that survives a beat, but not the test.
final class MemoryStateStore: BeatStateStore {
    private let state: NIOLockedValueBox<[UInt8]?>

    init(_ text: String? = nil) { state = NIOLockedValueBox(text.map { Array($0.utf8) }) }

    var name: String { "memory" }

    /// What was saved last.
    var text: String { state.withLockedValue { String(decoding: $0 ?? [], as: UTF8.self) } }

    func load() async throws -> [UInt8]? { state.withLockedValue { $0 } }

    func save(_ state: [UInt8]) async throws { self.state.withLockedValue { $0 = state } }
}
