import CeleriacTestKit

/// A matrix with what has become of its cells so far.
actor InteropRun {
    private let matrix: InteropMatrix
    /// The verdicts.
    private(set) var report: InteropReport

    init(_ matrix: InteropMatrix, of cells: [InteropCell]) {
        self.matrix = matrix
        report = InteropReport(of: cells)
    }

    /// Tries a cell, and notes its verdict.
    func verdict(of cell: InteropCell) async -> InteropVerdict {
        let start = ContinuousClock.now
        let verdict = await matrix.verdict(of: cell)
        report.add(.init(cell: cell, verdict: verdict, seconds: (ContinuousClock.now - start) / .seconds(1)))
        return verdict
    }
}
