/// The keys of topic exchanges, as RabbitMQ compares them and as kombu's virtual transports write them.
package enum TopicPattern {
    /// The regular expression that kombu keeps beside a binding's key: a `*` stands for a word, a `#` for anything.
    package static func expression(of key: String) -> String {
        let words = key.split(separator: ".", omittingEmptySubsequences: false).map { word in
            switch word {
            case "*": #"[^\.]+"#
            case "#": ".*?"
            default: escaped(word)
            }
        }
        return "^" + words.joined(separator: #"\."#) + "$"
    }

    /// Whether a topic exchange of RabbitMQ lets a routing key pass by a binding's key: there a `*` stands for a word, a
    /// `#` for any number of words.
    static func matches(_ pattern: String, _ routingKey: String) -> Bool {
        let words = routingKey.split(separator: ".", omittingEmptySubsequences: false)
        // Whether the pattern so far can stand for this many words.
        var stands = [true] + Array(repeating: false, count: words.count)
        for part in pattern.split(separator: ".", omittingEmptySubsequences: false) {
            if part == "#" {
                let first = stands.firstIndex(of: true) ?? stands.endIndex
                stands = stands.indices.map { $0 >= first }
            } else {
                stands = [false] + zip(stands, words).map { before, word in before && (part == "*" || part == word) }
            }
        }
        return stands.last ?? false
    }

    /// Everything but letters and digits gets a backslash; `*` and `#` stand for themselves within a word, too.
    private static func escaped(_ word: Substring) -> String {
        word.unicodeScalars.reduce(into: "") { text, scalar in
            if scalar == "\0" {
                text += #"\000"#
            } else {
                if !isAlphanumeric(scalar), scalar != "*", scalar != "#" { text += #"\"# }
                text.unicodeScalars.append(scalar)
            }
        }
    }

    /// As Python's `str.isalnum`.
    private static func isAlphanumeric(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: scalar.properties.numericType != nil
        }
    }
}
