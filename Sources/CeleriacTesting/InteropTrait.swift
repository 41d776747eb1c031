public import CeleriacTestKit
import Foundation
public import Testing

/// Has the tests of a suite try the cells of an `interop.yaml`: starts the private servers, workers and producers as they
/// are needed, and ends workers and producers with the suite.
///
/// ```swift
/// @Suite(.serialized, .interop("interop.yaml"))
/// struct PeerTests {
///     @Test(arguments: try InteropMatrix.cells(of: "interop.yaml"))
///     func agrees(_ cell: InteropCell) async throws { try await cell.check() }
/// }
/// ```
public struct InteropTrait: SuiteTrait, TestScoping {
    /// The matrix of the suite whose test runs.
    @TaskLocal static var current: InteropRun?

    private let file: String
    private let variables: [String: String]
    private let isWanted: @Sendable (InteropCell) -> Bool
    private let table: String?

    init(
        _ file: String, variables: [String: String], table: String?,
        including isWanted: @escaping @Sendable (InteropCell) -> Bool
    ) {
        self.file = file
        self.variables = variables
        self.table = table
        self.isWanted = isWanted
    }

    /// Runs the suite with its matrix.
    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let matrix = try InteropMatrix(file: file, variables: variables)
        let run = InteropRun(matrix, of: matrix.cells.filter(isWanted))
        let result: Result<Void, any Error>
        do {
            result = .success(try await Self.$current.withValue(run) { try await function() })
        } catch {
            result = .failure(error)
        }
        await matrix.close()
        if let table { try await Data(run.report.text.utf8).write(to: URL(filePath: table), options: .atomic) }
        try result.get()
    }
}

extension Trait where Self == InteropTrait {
    /// Has the tests of a suite try the cells of a file.
    ///
    /// - Parameters:
    ///   - file: the file. A relative path counts from the working directory, which for `swift test` is the package's folder.
    ///   - variables: what `${NAME}` in the file's commands stands for, in addition to the environment's variables.
    ///   - table: a file for the matrix as text, in which cells that no test has tried are `EMPTY`; nil for none.
    ///   - including: which cells the suite tries; all by default.
    /// - Returns: the trait.
    public static func interop(
        _ file: String = "interop.yaml", variables: [String: String] = [:], table: String? = nil,
        including: @escaping @Sendable (InteropCell) -> Bool = { _ in true }
    ) -> InteropTrait {
        InteropTrait(file, variables: variables, table: table, including: including)
    }
}

extension InteropCell {
    /// Tries the cell, in a test of a suite with the trait `interop`. A cell that does not exist, or whose peer or server
    /// is missing, cancels its test with the reason; one that failed is an issue.
    ///
    /// - Throws: the test's cancellation; ``TestKitError`` with code `noWorker` in a suite without the trait.
    public func check(
        fileID: String = #fileID, filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) async throws {
        guard let run = InteropTrait.current else {
            throw TestKitError(.noWorker, "the suite lacks the trait .interop(file), which has the workers")
        }
        let place = SourceLocation(fileID: fileID, filePath: filePath, line: line, column: column)
        let verdict = await run.verdict(of: self)
        switch verdict.kind {
        case .passed: break
        case .failed: Issue.record("\(self): \(verdict)", sourceLocation: place)
        case .notApplicable, .skipped: try Test.cancel("\(self): \(verdict)", sourceLocation: place)
        }
    }
}
