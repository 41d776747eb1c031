import Foundation

/// What the live matrix found, direction by transport by case. An empty cell is a failure.
struct MatrixTable {
    enum Cell: Equatable {
        case passed
        case notApplicable(String)
        case failed(String)
    }
    let direction: String
    private(set) var cells: [MatrixTransport: [MatrixCase: Cell]] = [:]

    init(direction: String) { self.direction = direction }

    subscript(transport: MatrixTransport, testCase: MatrixCase) -> Cell? {
        get { cells[transport]?[testCase] }
        set { cells[transport, default: [:]][testCase] = newValue }
    }

    /// The cells of a transport that are missing or failed, as text.
    func defects(of transport: MatrixTransport) -> [String] {
        MatrixCase.allCases.compactMap { testCase in
            switch self[transport, testCase] {
            case .passed, .notApplicable: nil
            case .failed(let reason): "\(testCase.rawValue): \(reason)"
            case nil: "\(testCase.rawValue): not run"
            }
        }
    }

    /// The table of one transport, for a person.
    func text(of transport: MatrixTransport) -> String {
        var lines: [String] = []
        for testCase in MatrixCase.allCases {
            let verdict =
                switch self[transport, testCase] {
                case .passed: "passed"
                case .notApplicable(let reason): "n/a: \(reason)"
                case .failed(let reason): "FAILED: \(reason)"
                case nil: "EMPTY"
                }
            let columns = [direction, transport.rawValue, testCase.rawValue]
            let widths = [16, 19, 44]
            lines.append(
                zip(columns, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined() + verdict)
        }
        return lines.joined(separator: "\n")
    }
}
