import Foundation

/// The cases that a project knows to fail: a file with an id a line, and comments after `#`.
///
/// A list that names a case which does not fail is stale, and fails the run: lists that nobody looks at hide what broke since.
struct KnownFailing: Sendable {
    /// No case.
    static let empty = KnownFailing("")

    let ids: Set<String>

    /// Reads the text of a file.
    init(_ text: String) {
        let lines = text.split(whereSeparator: \.isNewline).map { line in
            line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
        }
        ids = Set(lines.filter { !$0.isEmpty })
    }

    /// Reads a file.
    ///
    /// - Throws: ``ConformanceError`` if there is none.
    init(file: String) throws(ConformanceError) {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw ConformanceError("\(file) cannot be read")
        }
        self.init(String(decoding: data, as: UTF8.self))
    }

    /// The listed cases that a run asked and that did not fail, and those that no longer exist, in order.
    ///
    /// - Parameters:
    ///   - rows: what the run found.
    ///   - isWhole: whether the run had all cases, so that one which it lacks does not exist.
    /// - Returns: their ids.
    func stale(after rows: [ConformanceRow], isWhole: Bool) -> [String] {
        let asked = Set(rows.map(\.testCase.id))
        let bad = Set(rows.filter(\.verdict.isBad).map(\.testCase.id))
        return ids.filter { !bad.contains($0) && (isWhole || asked.contains($0)) }.sorted()
    }
}
