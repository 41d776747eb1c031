/// A broker took some messages of one publication and not the others.
///
/// It names the others by their index in what was published; every message that it does not name was taken, and must not
/// be published again. Brokers throw it only where messages met different fates: where none is known to have been taken,
/// they throw the ``CeleriacError`` that says why.
public struct PartialPublishError: Error, Sendable, CustomStringConvertible {
    /// Messages that the broker refused, each with why. They were not taken.
    public var refused: [Int: CeleriacError]
    /// Messages whose answer did not arrive, each with why. They may have been taken.
    public var unknown: [Int: CeleriacError]

    /// Makes an error.
    public init(refused: [Int: CeleriacError], unknown: [Int: CeleriacError] = [:]) {
        self.refused = refused
        self.unknown = unknown
    }

    /// How many messages were not taken, and the first reason.
    public var description: String {
        let first = refused.merging(unknown) { refusal, _ in refusal }.min { $0.key < $1.key }
        return "\(refused.count) message(s) were refused and \(unknown.count) not confirmed, the others were taken"
            + (first.map { ": \($0.value)" } ?? "")
    }

    /// Whether a message is not known to have been taken.
    func names(_ index: Int) -> Bool { refused[index] != nil || unknown[index] != nil }

    /// Tells a publisher what became of its messages.
    ///
    /// - Parameters:
    ///   - refused: those of `count` messages that were refused.
    ///   - unknown: those whose answer did not arrive; all others were taken.
    /// - Throws: nothing where all were taken, the first reason where all met the same fate, otherwise this error.
    package static func check(
        refused: [Int: CeleriacError], unknown: [Int: CeleriacError] = [:], of count: Int
    ) throws {
        for fate in [refused, unknown] where fate.count >= count {
            if let first = fate.min(by: { $0.key < $1.key }) { throw first.value }
        }
        if !refused.isEmpty || !unknown.isEmpty { throw PartialPublishError(refused: refused, unknown: unknown) }
    }
}
