/// What became of a cell of an interop matrix. More verdicts may be added: a `switch` over it needs a `default`.
public struct InteropVerdict: Sendable, Hashable, CustomStringConvertible {
    /// The kind of a verdict.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case passed, failed
        case notApplicable = "n/a"
        case skipped
    }

    package let kind: Kind
    /// Why; nil for a cell that has passed.
    public let reason: String?

    /// The producer's result was the expected one.
    public static let passed = InteropVerdict(kind: .passed, reason: nil)
    /// It was not, or there was none.
    public static func failed(_ reason: String) -> InteropVerdict { InteropVerdict(kind: .failed, reason: reason) }
    /// The cell does not exist: the shape, the transport or the peer has no such thing.
    public static func notApplicable(_ reason: String) -> InteropVerdict {
        InteropVerdict(kind: .notApplicable, reason: reason)
    }
    /// A peer or a server is missing here.
    public static func skipped(_ reason: String) -> InteropVerdict { InteropVerdict(kind: .skipped, reason: reason) }

    /// Whether the cell failed.
    public var isFailure: Bool { kind == .failed }

    /// The verdict with its reason.
    public var description: String { reason.map { "\(kind.rawValue): \($0)" } ?? kind.rawValue }
}
