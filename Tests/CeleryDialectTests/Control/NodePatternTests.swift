import CeleriacCore
import Testing

@testable import CeleryDialect

/// Which nodes a request with a pattern addresses, compared with Python's `fnmatch` and `re.match`.
@Suite struct NodePatternTests {
    @Test(
        "globs match as in Python's fnmatch",
        arguments: [
            ("w*", "w1@host", true), ("*@host", "w1@host", true), ("*@host", "w1@hosts", false), ("w?@*", "w1@h", true),
            ("w?@*", "w12@h", false), ("w[0-9]@h", "w7@h", true), ("w[!0-9]@h", "w7@h", false), ("", "", true),
            ("", "w", false), ("*", "", true), ("**a*b", "xaxxb", true), ("w[1", "w[1", true), ("w[]]", "w]", true),
            ("W*", "w1", false), ("w1", "w1@h", false), ("a*b*c", "aXbXbXcX", false), ("w.@h", "w1@h", false),
            ("[z-a]", "b", false), ("é*", "é@h", true),
        ])
    func globs(_ pattern: String, _ name: String, _ matches: Bool) throws {
        #expect(try NodePattern(pattern, matcher: "glob").matches(name) == matches)
    }

    @Test(
        "regular expressions match as in Python's re.match",
        arguments: [
            ("w", "w1@host", true), ("1", "w1@host", false), ("^w\\d+@.*$", "w12@host", true), ("w1$", "w1@h", false),
            ("(a|b)@h", "b@h", true), ("(?:a|b){2}@", "ab@h", true), ("(?P<n>a)+?b", "aab", true), ("[^w]", "w", false),
            ("[a-c_-]+@", "a-_c@", true), ("a{2,3}b", "aaaab", false), ("a{,2}b", "b", true), ("a{x", "a{x", true),
            ("\\.x", ".x", true), (".*@host", "w@host", true), ("", "w", true), ("a||b", "c", true),
            ("\\w+@\\w+", "w1@héõ", true), ("[]a]", "]", true), ("(a*)*b", "aaac", false), ("\\S+\\s", "a b", true),
        ])
    func regularExpressions(_ pattern: String, _ name: String, _ matches: Bool) throws {
        #expect(try NodePattern(pattern, matcher: "pcre").matches(name) == matches)
    }

    @Test(
        "patterns that cannot be read are refused",
        arguments: [
            "(", ")", "a)", "[", "[a", "*", "a**", "(?=a)", "(?", "\\", "\\1", "a{3,2}", "[z-a]", "(?P<n",
            String(repeating: "(", count: 500) + String(repeating: ")", count: 500),
            String(repeating: "a", count: 1001),
        ])
    func badPatterns(_ pattern: String) {
        #expect(throws: MessageFault.self) { try NodePattern(pattern, matcher: "pcre") }
    }

    @Test("an unknown matcher is refused")
    func unknownMatcher() {
        #expect(throws: MessageFault.self) { try NodePattern("a", matcher: "soundex") }
    }

    @Test("matching gives up on a pattern designed to take forever")
    func slowPattern() throws {
        let name = String(repeating: "a", count: 60)
        // This pattern is harmless here but takes forever in Python.
        #expect(try NodePattern("(a+)+$b", matcher: "pcre").matches(name) == false)
        let bomb = try NodePattern("((((a?){1000}){1000}){1000}){1000}b", matcher: "pcre")
        #expect(throws: MessageFault.self) { try bomb.matches(name) }
    }
}
