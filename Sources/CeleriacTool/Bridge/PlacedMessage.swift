/// A message that may end with a place in a file, such as `(line 3, column 5)`.
struct PlacedMessage: Sendable {
    /// What it says, without the place.
    let message: String
    /// The line and the column; nil if it names none.
    let place: (line: Int, column: Int)?

    /// Takes a message apart.
    init(_ text: String) {
        guard let match = text.wholeMatch(of: /(.*) \(line ([0-9]+), column ([0-9]+)\)/.dotMatchesNewlines()),
            let line = Int(match.output.2), let column = Int(match.output.3)
        else {
            message = text
            place = nil
            return
        }
        message = String(match.output.1)
        place = (line, column)
    }

    /// The message as editors and build logs read it: `FILE:LINE:COLUMN: …`.
    func text(in path: String) -> String {
        guard let place else { return "\(path): \(message)" }
        return "\(path):\(place.line):\(place.column): \(message)"
    }
}
