import CeleriacTestKit
import CeleriacTesting
import Foundation
import Testing

/// The cells of `interop/interop.yaml` between Swift and real Python Celery, in both directions, on every transport that
/// holds results of its own kind. `Scripts/interop` runs all of the file.
@Suite(
    "Live matrix", .serialized,
    .interop(
        LiveMatrix.file, variables: LiveMatrix.variables, table: LiveMatrix.table, including: LiveMatrix.includes))
struct MatrixTests {
    /// Tests one cell. Cells run one after another, since those of a column share a worker.
    @Test("Python ⇄ Swift", .timeLimit(.minutes(5)), arguments: try LiveMatrix.cells())
    func cell(_ cell: InteropCell) async throws { try await cell.check() }
}

/// The part of the package's own interop file that the live tests run.
enum LiveMatrix {
    /// The package's folder.
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    static let file = root + "/interop/interop.yaml"

    /// The programs of this build, and the Python of the other live tests.
    static let variables: [String: String] = {
        var variables: [String: String] = [:]
        if let tests = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
            variables["CELERIAC_BIN"] = URL(filePath: tests).deletingLastPathComponent().path
        }
        variables["CELERIAC_PYTHON"] = try? PythonInstallation.find().interpreter
        return variables
    }()

    /// Where `Scripts/live-matrix` looks for the table after the run, if anywhere.
    static let table = ProcessInfo.processInfo.environment["CELERIAC_MATRIX"]

    /// The transports of the slice: each broker with each way in which results travel, those of one kind together.
    private static let transports = [
        InteropTransport(broker: .redis, store: .redis), InteropTransport(broker: .rabbitmq, store: .rpc),
        InteropTransport(broker: .rabbitmq, store: .redis), InteropTransport(broker: .folder, store: .folder),
    ]

    /// Whether a cell is of the slice, and of this build.
    @Sendable static func includes(_ cell: InteropCell) -> Bool {
        let peers = [cell.producer.name, cell.worker.name]
        return (peers == ["python", "swift"] || peers == ["swift", "python"]) && transports.contains(cell.transport)
            && cell.transport.absenceHere == nil
    }

    static func cells() throws -> [InteropCell] {
        try InteropMatrix.cells(of: file, variables: variables).filter(includes)
    }
}
