/// A shell pattern as Python's `fnmatch` reads it: `*`, `?`, `[abc]`, `[a-z]`, `[!abc]`; all else stands for itself.
struct GlobPattern {
    private enum Piece {
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

    /// Reads what stands behind an opening bracket; nil where it is never closed.
    private static func set(_ scalars: [Unicode.Scalar], from start: Int) -> (Piece, end: Int)? {
        var index = start
        let isNegated = index < scalars.count && scalars[index] == "!"
        if isNegated { index += 1 }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        let first = index
        while index < scalars.count {
            let low = scalars[index]
            // A closing bracket in the first place is a member.
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

    /// Whether the whole name matches. Goes back to the last `*` only, which is enough: time grows with the product of the
    /// lengths at most.
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
