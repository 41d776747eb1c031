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

    /// The verdict where some peers have to be there: a cell that was skipped for want of one of them, or of what it needs
    /// besides its peers, has failed.
    package func requiring(_ names: Set<String>, in cell: InteropCell) -> InteropVerdict {
        guard kind == .skipped else { return self }
        let peers = [cell.producer, cell.worker]
        let required = peers.filter { names.contains($0.name) }
        let othersAreThere = !peers.contains { !names.contains($0.name) && $0.isMissing }
        guard !required.isEmpty, othersAreThere || required.contains(where: \.isMissing) else { return self }
        return .failed(reason ?? "it was skipped")
    }

    /// The verdict with its reason.
    public var description: String { reason.map { "\(kind.rawValue): \($0)" } ?? kind.rawValue }
}
