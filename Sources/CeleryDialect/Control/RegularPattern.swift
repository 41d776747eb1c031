import CeleriacCore

/// A regular expression as far as names of nodes need Python's `re`: literals, `.`, sets, `\d \w \s` and their opposites,
/// groups, alternatives, repetitions, `^` and `$`. Expressions come from outside, so matching never goes back: it carries
/// the set of places where a match may stand, and counts its steps.
struct RegularPattern {
    /// A part of an expression.
    indirect enum Node {
        case sequence([Node])
        case alternatives([Node])
        case repetition(Node, minimum: Int, maximum: Int?)
        case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)
        case start
        case end
    }

    private static let maximumSteps = 200_000
    private let root: Node

    /// Reads an expression.
    ///
    /// - Throws: a ``MessageFault`` where it is none, or has what is not supported here.
    init(_ pattern: String) throws(MessageFault) {
        var parser = RegularPatternParser(pattern)
        root = try parser.parse()
    }

    /// Whether the name begins with a match, as Python's `re.match` asks.
    ///
    /// - Throws: a ``MessageFault`` where that takes too many steps to tell.
    func matchesBeginning(of name: String) throws(MessageFault) -> Bool {
        let scalars = Array(name.unicodeScalars)
        var steps = 0
        return !(try Self.ends(root, scalars, from: [0], &steps)).isEmpty
    }

    /// Where matches of a part end that begin at one of these places.
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
                // Only places that are new lead on to others.
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
