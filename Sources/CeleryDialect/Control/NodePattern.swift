import CeleriacCore

/// Whom a request with a pattern is for.
struct NodePattern {
    private enum Form {
        case glob(GlobPattern)
        case regular(RegularPattern)
    }
    private let form: Form

    /// Reads a pattern.
    ///
    /// - Throws: a ``MessageFault`` for a pattern that cannot be read, or a matcher other than `glob` and `pcre`.
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
    /// - Throws: a ``MessageFault`` where that takes too long to tell.
    func matches(_ name: String) throws(MessageFault) -> Bool {
        switch form {
        case .glob(let glob): glob.matches(name)
        case .regular(let regular): try regular.matchesBeginning(of: name)
        }
    }
}
