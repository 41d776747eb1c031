import CeleriacCore

/// A pattern that says which nodes a request is for.
struct NodePattern {
    private enum Form {
        case glob(GlobPattern)
        case regular(RegularPattern)
    }
    private let form: Form

    /// Reads a pattern.
    ///
    /// - Throws: A ``MessageFault`` for a pattern that cannot be read, or a matcher other than `glob` and `pcre`.
    init(_ pattern: String, matcher: String) throws(MessageFault) {
        guard pattern.unicodeScalars.count <= 1000 else {
            throw MessageFault(reason: "patternTooLong", detail: "a pattern of node names is too long")
        }
        switch matcher {
        case "glob": form = .glob(GlobPattern(pattern))
        case "pcre": form = .regular(try RegularPattern(pattern))
        default: throw MessageFault(reason: "unknownMatcher", detail: "the matcher is neither glob nor pcre")
        }
    }

    /// Whether a node's name matches.
    ///
    /// - Throws: A ``MessageFault`` if matching takes too many steps.
    func matches(_ name: String) throws(MessageFault) -> Bool {
        switch form {
        case .glob(let glob): glob.matches(name)
        case .regular(let regular): try regular.matchesBeginning(of: name)
        }
    }
}

/// A shell pattern as Python's `fnmatch` reads it: `*`, `?`, `[abc]`, `[a-z]`, `[!abc]`; everything else stands for
/// itself.
struct GlobPattern: Sendable {
    private enum Piece: Sendable {
        case anything
        case one
        case scalar(Unicode.Scalar)
        case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)
    }
    private let pieces: [Piece]

    init(_ pattern: String) {
        let scalars = Array(pattern.unicodeScalars)
        var pieces: [Piece] = []
        var index = 0
        while index < scalars.count {
            let scalar = scalars[index]
            index += 1
            switch scalar {
            case "*": pieces.append(.anything)
            case "?": pieces.append(.one)
            case "[":
                if let (set, end) = Self.set(scalars, from: index) {
                    pieces.append(set)
                    index = end
                } else {
                    // A bracket that is never closed stands for itself.
                    pieces.append(.scalar(scalar))
                }
            default: pieces.append(.scalar(scalar))
            }
        }
        self.pieces = pieces
    }

    /// Reads the set after an opening bracket; nil if the bracket is never closed.
    private static func set(_ scalars: [Unicode.Scalar], from start: Int) -> (Piece, end: Int)? {
        var index = start
        let isNegated = index < scalars.count && scalars[index] == "!"
        if isNegated { index += 1 }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        let first = index
        while index < scalars.count {
            let low = scalars[index]
            // A closing bracket in the first place is a member of the set.
            if low == "]", index > first { return (.set(ranges, isNegated: isNegated), index + 1) }
            if index + 2 < scalars.count, scalars[index + 1] == "-", scalars[index + 2] != "]" {
                // A range that runs backwards has no members.
                if low <= scalars[index + 2] { ranges.append(low...scalars[index + 2]) }
                index += 3
            } else {
                ranges.append(low...low)
                index += 1
            }
        }
        return nil
    }

    /// Whether the whole name matches. Backtracking to the last `*` is enough, so the time is at most proportional to
    /// the product of the two lengths.
    func matches(_ name: String) -> Bool {
        let scalars = Array(name.unicodeScalars)
        var (piece, position) = (0, 0)
        var lastStar: (piece: Int, position: Int)?
        while position < scalars.count {
            if piece < pieces.count, case .anything = pieces[piece] {
                piece += 1
                lastStar = (piece, position)
            } else if piece < pieces.count, Self.matches(pieces[piece], scalars[position]) {
                piece += 1
                position += 1
            } else if let star = lastStar {
                lastStar = (star.piece, star.position + 1)
                (piece, position) = (star.piece, star.position + 1)
            } else {
                return false
            }
        }
        return pieces[piece...].allSatisfy { if case .anything = $0 { true } else { false } }
    }

    private static func matches(_ piece: Piece, _ scalar: Unicode.Scalar) -> Bool {
        switch piece {
        case .anything, .one: true
        case .scalar(let wanted): wanted == scalar
        case .set(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
        }
    }
}
