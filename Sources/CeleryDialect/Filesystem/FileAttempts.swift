import CeleriacWire

/// How often a message was begun that has come back, as its file's name says: `<time>_<id>~r<count>.<queue>.msg`.
///
/// So one rename counts, or puts a message back with its count. Python workers take no notice: to them, everything before
/// the queue's name only orders messages.
enum FileAttempts {
    private static let mark = "~r"
    /// How many bytes a file's name may have.
    private static let longestName = 255

    /// The count in a file's name; nil for a message that has not come back.
    static func count(in name: String) -> Int? { parts(of: name).attempts }

    /// A file's name with this count instead of its own; without one if it is nil.
    ///
    /// A name that would be too long loses its end before the queue's name, for an id that no other file has. One that
    /// cannot even have that stays as it is.
    static func name(_ name: String, counting attempts: Int?) -> String {
        let parts = parts(of: name)
        guard parts.attempts != attempts, !parts.ending.isEmpty else { return name }
        let ending = (attempts.map { "\(mark)\(max(0, $0))" } ?? "") + parts.ending
        if parts.stem.utf8.count + ending.utf8.count <= longestName { return parts.stem + ending }
        let id = "-\(randomUUID())"
        let room = longestName - ending.utf8.count - id.utf8.count
        guard room > 0 else { return name }
        var stem = parts.stem
        while stem.utf8.count > room { stem.removeLast() }
        return stem + id + ending
    }

    /// What orders the message, its count, and the first dot and what follows it: the queue's name.
    private static func parts(of name: String) -> (stem: String, attempts: Int?, ending: String) {
        guard let dot = name.firstIndex(of: ".") else { return (name, nil, "") }
        let (stem, ending) = (name[..<dot], String(name[dot...]))
        guard let tilde = stem.lastIndex(of: "~"), stem[tilde...].hasPrefix(mark) else {
            return (String(stem), nil, ending)
        }
        let digits = stem[tilde...].dropFirst(mark.count)
        guard (1...6).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let attempts = Int(digits)
        else { return (String(stem), nil, ending) }
        return (String(stem[..<tilde]), attempts, ending)
    }
}
