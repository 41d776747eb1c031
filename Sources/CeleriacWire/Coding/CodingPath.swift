/// Where in a value a coder stands: a list from the inside out, made only as deep as user types nest.
struct CodingPath {
    private var innermost: Step?
    /// How many steps lead here.
    private(set) var depth = 0

    private final class Step: Sendable {
        let key: any CodingKey
        let outer: Step?

        init(key: any CodingKey, outer: Step?) {
            self.key = key
            self.outer = outer
        }
    }

    func appending(_ key: some CodingKey) -> CodingPath {
        var path = self
        path.innermost = Step(key: key, outer: innermost)
        path.depth += 1
        return path
    }

    /// The same place, one call deeper: what a single value container holds. Bounds recursion that no key shows.
    func appendingNothing() -> CodingPath {
        var path = self
        path.depth += 1
        return path
    }

    /// The keys from the outside in.
    var keys: [any CodingKey] {
        var keys: [any CodingKey] = []
        var step = innermost
        while let current = step {
            keys.append(current.key)
            step = current.outer
        }
        return keys.reversed()
    }

    /// The path as a person writes it: `address.lines[2]`.
    static func text(of keys: [any CodingKey]) -> String {
        var text = ""
        for key in keys {
            if let index = key as? IndexKey {
                text += "[\(index.index)]"
            } else {
                text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
        return text
    }
}
