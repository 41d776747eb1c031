/// Asks a testee the cases of the codec tier, one after the other.
struct CodecRun: Sendable {
    let testee: CodecTestee
    /// Called with each row as it is found.
    var found: @Sendable (ConformanceRow) -> Void = { _ in }

    /// Asks all cases.
    ///
    /// - Throws: `TestKitError` if the testee cannot be started.
    func rows(of cases: [ConformanceCase]) async throws -> [ConformanceRow] {
        var rows: [ConformanceRow] = []
        for testCase in cases {
            try Task.checkCancellation()
            let row = try await row(of: testCase)
            found(row)
            rows.append(row)
        }
        await testee.stop()
        return rows
    }

    private func row(of testCase: ConformanceCase) async throws -> ConformanceRow {
        let first = try await ask(testCase)
        guard first.verdict.isBad else { return first }
        // What fails is asked again, of a new process: whoever then answers well is not reliable.
        await testee.stop()
        let second = try await ask(testCase)
        guard !second.verdict.isBad else { return first }
        return ConformanceRow(testCase: testCase, verdict: .flaky, detail: first.detail)
    }

    private func ask(_ testCase: ConformanceCase) async throws -> ConformanceRow {
        let response = try await testee.ask(testCase)
        let problem = testCase.expectation.problem(with: response)
        let verdict = Verdict.on(response, problem: problem, level: testCase.level)
        return ConformanceRow(testCase: testCase, verdict: verdict, detail: problem)
    }
}
