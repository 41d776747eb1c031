import CeleriacWire
/// Plays the cases of a live tier, one after the other.
struct LiveRun: Sendable {
    let site: ConformanceSite
    /// What the testee is said to lack: cases that need one of these are not played.
    var lacks: Set<String> = []
    /// Called with each row as it is found.
    var found: @Sendable (ConformanceRow) -> Void = { _ in }

    /// Plays all cases, and ends the testee.
    ///
    /// - Throws: As ``ConformanceSite/play(_:)``.
    func rows(of cases: [ConformanceCase]) async throws -> [ConformanceRow] {
        var rows: [ConformanceRow] = []
        do {
            for testCase in cases {
                try Task.checkCancellation()
                let row = try await row(of: testCase)
                found(row)
                rows.append(row)
            }
        } catch {
            await site.stop()
            throw error
        }
        await site.stop()
        return rows
    }

    private func row(of testCase: ConformanceCase) async throws -> ConformanceRow {
        let needs = testCase.input["needs"]?.arrayValue?.compactMap(\.stringValue) ?? []
        guard lacks.isDisjoint(with: needs) else {
            return ConformanceRow(testCase: testCase, verdict: .unimplemented, detail: nil)
        }
        let (verdict, detail) = try await site.play(testCase)
        switch (testCase.level, verdict) {
        case (_, .unimplemented): return ConformanceRow(testCase: testCase, verdict: verdict, detail: nil)
        case (.informational, _), (.may, .failed), (.may, .timeout), (.may, .crash):
            return ConformanceRow(testCase: testCase, verdict: .informational, detail: detail)
        case (.should, .failed), (.should, .timeout), (.should, .crash):
            return ConformanceRow(testCase: testCase, verdict: .nonStrict, detail: detail)
        default: break
        }
        guard verdict.isBad else { return ConformanceRow(testCase: testCase, verdict: verdict, detail: detail) }
        // A testee that failed has been ended, so this asks a new one: whoever then does well is not reliable.
        let second = try await site.play(testCase)
        return ConformanceRow(testCase: testCase, verdict: second.verdict == .ok ? .flaky : verdict, detail: detail)
    }
}
