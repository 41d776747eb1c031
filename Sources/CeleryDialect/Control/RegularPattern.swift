import CeleriacCore

/// A regular expression with the parts of Python's `re` that node names need: literals, `.`, sets, `\d \w \s` and their
/// opposites, groups, alternatives, repetitions, `^` and `$`. Expressions come from outside, so matching never
/// backtracks: it keeps the set of positions that a match may have reached, and counts its steps.
struct RegularPattern: Sendable {
    /// A part of an expression.
    indirect enum Node: Sendable {
        case sequence([Node])
        case alternatives([Node])
        case repetition(Node, minimum: Int, maximum: Int?)
        case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)
        case start
        case end
    }

    private static let maximumSteps = 200_000
    private let root: Node

    /// Whether a binding of kombu's takes a routing key: by its pattern if it has one, as topic exchanges do, else by
    /// its own key.
    static func binding(of key: String, _ pattern: String, matches routingKey: String) -> Bool {
        guard !pattern.isEmpty else { return key == routingKey }
        guard let pattern = try? RegularPattern(pattern) else { return false }
        return (try? pattern.matchesBeginning(of: routingKey)) ?? false
    }

    /// Reads an expression.
    ///
    /// - Throws: A ``MessageFault`` if the text is not an expression, or has parts that are not supported here.
    init(_ pattern: String) throws(MessageFault) {
        var parser = RegularPatternParser(pattern)
        root = try parser.parse()
    }

    /// Whether the name begins with a match, as for Python's `re.match`.
    ///
    /// - Throws: A ``MessageFault`` if matching takes too many steps.
    func matchesBeginning(of name: String) throws(MessageFault) -> Bool {
        let scalars = Array(name.unicodeScalars)
        var steps = 0
        return !(try Self.ends(root, scalars, from: [0], &steps)).isEmpty
    }

    /// The positions at which matches of a node end if they begin at one of the given positions.
    private static func ends(
        _ node: Node, _ scalars: [Unicode.Scalar], from places: Set<Int>, _ steps: inout Int
    ) throws(MessageFault) -> Set<Int> {
        steps += 1 + places.count
        guard steps < maximumSteps else {
            throw MessageFault(reason: "patternTooSlow", detail: "a pattern of node names takes too long to match")
        }
        if places.isEmpty { return [] }
        switch node {
        case .sequence(let nodes):
            var places = places
            for node in nodes { places = try ends(node, scalars, from: places, &steps) }
            return places
        case .alternatives(let nodes):
            var found: Set<Int> = []
            for node in nodes { found.formUnion(try ends(node, scalars, from: places, &steps)) }
            return found
        case .repetition(let node, let minimum, let maximum):
            var current = places
            for _ in 0..<minimum {
                current = try ends(node, scalars, from: current, &steps)
                if current.isEmpty { return [] }
            }
            var found = current
            var count = minimum
            while !current.isEmpty, count < maximum ?? .max {
                // Only new positions lead to further ones.
                current = try ends(node, scalars, from: current, &steps).subtracting(found)
                found.formUnion(current)
                count += 1
            }
            return found
        case .set(let ranges, let isNegated):
            return Set(
                places.lazy.filter { place in
                    place < scalars.count && ranges.contains { $0.contains(scalars[place]) } != isNegated
                }.map { $0 + 1 })
        case .start: return places.filter { $0 == 0 }
        case .end: return places.filter { $0 == scalars.count }
        }
    }
}

/// Reads regular expressions for ``RegularPattern``.
private struct RegularPatternParser {
    private static let maximumDepth = 16
    private static let maximumCount = 1000
    private let scalars: [Unicode.Scalar]
    private var index = 0

    init(_ pattern: String) {
        scalars = Array(pattern.unicodeScalars)
    }

    mutating func parse() throws(MessageFault) -> RegularPattern.Node {
        let node = try alternatives(depth: 0)
        // Only a closing parenthesis without an opening one ends the parse before the end.
        guard index == scalars.count else { throw Self.invalid }
        return node
    }

    private static let invalid = MessageFault(
        reason: "invalidPattern", detail: "a pattern of node names cannot be read")

    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func take() throws(MessageFault) -> Unicode.Scalar {
        guard let scalar = next else { throw Self.invalid }
        index += 1
        return scalar
    }

    private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        index += 1
        return true
    }

    private mutating func alternatives(depth: Int) throws(MessageFault) -> RegularPattern.Node {
        guard depth < Self.maximumDepth else { throw Self.invalid }
        var nodes = [try sequence(depth: depth)]
        while skip("|") { nodes.append(try sequence(depth: depth)) }
        return nodes.count == 1 ? nodes[0] : .alternatives(nodes)
    }

    private mutating func sequence(depth: Int) throws(MessageFault) -> RegularPattern.Node {
        var nodes: [RegularPattern.Node] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            nodes.append(try repeated(atom(depth: depth)))
        }
        return .sequence(nodes)
    }

    private mutating func atom(depth: Int) throws(MessageFault) -> RegularPattern.Node {
        let scalar = try take()
        switch scalar {
        case "(":
            if skip("?") { try skipGroupName() }
            let node = try alternatives(depth: depth + 1)
            guard skip(")") else { throw Self.invalid }
            return node
        case "[": return try set()
        case ".": return .set(["\n"..."\n"], isNegated: true)
        case "^": return .start
        case "$": return .end
        case "*", "+", "?": throw Self.invalid
        case "\\":
            let escaped = try take()
            switch escaped {
            case "A": return .start
            case "Z": return .end
            default:
                let (ranges, isNegated) = try Self.members(ofEscape: escaped)
                return .set(ranges, isNegated: isNegated)
            }
        default: return .set([scalar...scalar], isNegated: false)
        }
    }

    /// Skips what may follow `(?`: a name, or a colon for a group that captures nothing. Lookaround and the like are
    /// not supported.
    private mutating func skipGroupName() throws(MessageFault) {
        if skip(":") { return }
        guard skip("P"), skip("<") else { throw Self.invalid }
        while try take() != ">" {}
    }

    private mutating func repeated(_ node: RegularPattern.Node) throws(MessageFault) -> RegularPattern.Node {
        let bounds: (minimum: Int, maximum: Int?)
        switch next {
        case "*": bounds = (0, nil)
        case "+": bounds = (1, nil)
        case "?": bounds = (0, 1)
        case "{":
            guard let counts = counts() else { return node }
            bounds = counts
            guard bounds.minimum <= bounds.maximum ?? .max else { throw Self.invalid }
        default: return node
        }
        index += 1
        // Greediness does not change whether there is a match.
        _ = skip("?")
        switch next {
        case "*", "+", "?": throw Self.invalid
        default: return .repetition(node, minimum: bounds.minimum, maximum: bounds.maximum)
        }
    }

    /// Reads `{2}`, `{2,}`, `{,3}` or `{2,3}` up to its closing brace; nil if the brace stands for itself.
    private mutating func counts() -> (minimum: Int, maximum: Int?)? {
        guard let end = scalars[index...].firstIndex(of: "}") else { return nil }
        let text = String(String.UnicodeScalarView(scalars[(index + 1)..<end]))
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.map { Int($0) }
        guard (1...2).contains(parts.count), text != ",", zip(parts, numbers).allSatisfy({ $0.isEmpty || $1 != nil }),
            numbers.allSatisfy({ (0...Self.maximumCount).contains($0 ?? 0) }), !text.isEmpty
        else { return nil }
        index = end
        let minimum = numbers[0] ?? 0
        return (minimum, parts.count == 1 ? minimum : numbers[1])
    }

    private mutating func set() throws(MessageFault) -> RegularPattern.Node {
        let isNegated = skip("^")
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        var isFirst = true
        while true {
            var low = try take()
            if low == "]", !isFirst { return .set(ranges, isNegated: isNegated) }
            isFirst = false
            if low == "\\" {
                let escaped = try take()
                let (members, isOpposite) = try Self.members(ofEscape: escaped)
                // An opposite such as `\D` within a set would need sets of sets.
                guard !isOpposite else { throw Self.invalid }
                guard members.count == 1, members[0].lowerBound == members[0].upperBound else {
                    ranges += members
                    continue
                }
                low = members[0].lowerBound
            }
            guard next == "-", index + 1 < scalars.count, scalars[index + 1] != "]" else {
                ranges.append(low...low)
                continue
            }
            index += 1
            let high = try take()
            guard high != "\\", low <= high else { throw Self.invalid }
            ranges.append(low...high)
        }
    }

    /// What an escape stands for.
    private static func members(
        ofEscape scalar: Unicode.Scalar
    ) throws(MessageFault) -> ([ClosedRange<Unicode.Scalar>], isNegated: Bool) {
        switch scalar {
        case "d": return (["0"..."9"], false)
        case "D": return (["0"..."9"], true)
        case "w": return (["0"..."9", "A"..."Z", "a"..."z", "_"..."_", "\u{aa}"..."\u{10ffff}"], false)
        case "W": return (["0"..."9", "A"..."Z", "a"..."z", "_"..."_", "\u{aa}"..."\u{10ffff}"], true)
        case "s": return ([" "..." ", "\t"..."\r"], false)
        case "S": return ([" "..." ", "\t"..."\r"], true)
        case "n": return (["\n"..."\n"], false)
        case "t": return (["\t"..."\t"], false)
        // Letters and digits that mean something else in Python (\b, \1) are not supported.
        case "0"..."9", "A"..."Z", "a"..."z": throw invalid
        default: return ([scalar...scalar], false)
        }
    }
}
