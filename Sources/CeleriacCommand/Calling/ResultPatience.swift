import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import UnixSignals

/// For how long somebody waits for a result: until a time is up, or a signal comes.
struct ResultPatience: Sendable {
    /// How a wait ended.
    enum End: Sendable {
        case came(WireValue)
        /// The time is up, or somebody does not want to wait any longer: the words that end a sentence about that.
        case missed(String)
    }

    /// How many seconds at most; nil for as long as it takes.
    let limit: Double?
    /// The signals that end the wait.
    let signals: UnixSignalsSequence?

    /// Waits.
    ///
    /// - Throws: as `get` of the result does, unless the time is up.
    func wait(for result: AsyncResult<WireValue>) async throws -> End {
        try await withThrowingTaskGroup(of: End.self) { group -> End in
            group.addTask {
                do {
                    return .came(try await result.get(timeout: limit.map { .seconds($0) }))
                } catch let error as CeleriacError where error.code == .timeout {
                    return .missed("within \(CeleryLine.seconds(limit ?? 0)) s")
                }
            }
            if let signals {
                group.addTask {
                    for await _ in signals { break }
                    return .missed("yet")
                }
            }
            defer { group.cancelAll() }
            return try await group.next() ?? .missed("yet")
        }
    }

    /// Refuses a number of seconds that is no time.
    ///
    /// - Parameters:
    ///   - seconds: what an option says.
    ///   - name: the option's name.
    ///   - least: the least that it may say.
    /// - Throws: `ValidationError` that names the option.
    static func check(_ seconds: Double?, of name: String, from least: Double = 0) throws {
        let longest = Double(Duration.longestSeconds)
        // NaN is in no range.
        guard let seconds, !(least...longest ~= seconds) else { return }
        throw ValidationError(
            "--\(name) must be a number of seconds from \(Int(least)) to \(Duration.longestSeconds).")
    }
}
