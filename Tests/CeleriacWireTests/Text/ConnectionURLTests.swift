import CeleriacWire
import Testing

struct ConnectionURLTests {
    @Test func splitsEveryPart() throws {
        let url = try ConnectionURL("RediSS://me:pa%3As@host:6380/3?db=4&flag&x=a=b&&y=#fragment?z=1")
        #expect(url.scheme == "rediss")
        #expect(url.user == "me")
        #expect(url.password == "pa%3As")
        #expect(text(of: url.hosts) == [["host", "6380"]])
        #expect(url.path == "/3")
        #expect(
            text(of: url.query) == [
                ["db", "4"], ["flag", nil], ["x", "a=b"], ["y", ""],
            ])
    }

    @Test func tellsAbsentFromEmpty() throws {
        let bare = try ConnectionURL("amqp://")
        #expect(bare.user == nil && bare.password == nil)
        #expect(text(of: bare.hosts) == [["", nil]])
        #expect(bare.path.isEmpty && bare.query.isEmpty)

        let empty = try ConnectionURL("amqp://:@:/?")
        #expect(empty.user == "" && empty.password == "")
        #expect(text(of: empty.hosts) == [["", ""]])
        #expect(empty.path == "/" && empty.query.isEmpty)

        let user = try ConnectionURL("amqp://me@host")
        #expect(user.user == "me" && user.password == nil)
    }

    @Test func loginEndsWithTheLastAt() throws {
        let url = try ConnectionURL("redis://a:b@c:d@host/p@th?q=@")
        #expect(url.user == "a" && url.password == "b@c:d")
        #expect(text(of: url.hosts) == [["host", nil]])
        #expect(url.path == "/p@th")
        #expect(text(of: url.query) == [["q", "@"]])
    }

    @Test func readsSeveralHosts() throws {
        let url = try ConnectionURL("redis://p,w@a:1,[::1]:2,[fe80::1],,b/0")
        #expect(url.user == "p,w")
        #expect(
            text(of: url.hosts) == [
                ["a", "1"], ["::1", "2"], ["fe80::1", nil], ["", nil], ["b", nil],
            ])
    }

    /// A combining mark after a separator forms one character with it, which must not hide the separator.
    @Test func separatorsAreBytes() throws {
        let url = try ConnectionURL("redis://u:\u{301}p@\u{301}h:\u{301}1/\u{301}d?\u{301}q=\u{301}v")
        #expect(url.user == "u" && url.password == "\u{301}p")
        #expect(text(of: url.hosts) == [["\u{301}h", "\u{301}1"]])
        #expect(Array(url.path.utf8) == Array("/\u{301}d".utf8))
        #expect(text(of: url.query) == [["\u{301}q", "\u{301}v"]])
    }

    @Test(arguments: [
        ("", ConnectionURL.Problem.noScheme), ("localhost:6379", .noScheme), ("redis:/host", .noScheme),
        ("redis://[::1", .openBracket), ("redis://a,[::1/0", .openBracket), ("redis://[::1]6379", .textAfterBracket),
    ])
    func refuses(_ text: String, _ problem: ConnectionURL.Problem) {
        #expect(throws: problem) { try ConnectionURL(text) }
    }

    @Test func splitsTheSchemeAlone() throws {
        let parts = try #require(ConnectionURL.splitScheme("Filesystem:///folder#1?x"))
        #expect(parts.scheme == "filesystem" && parts.rest == "/folder#1?x")
        #expect(ConnectionURL.splitScheme("eager") == nil)
    }

    private func text(of hosts: [ConnectionURL.Host]) -> [[String?]] {
        hosts.map { [String($0.name), $0.port.map { String($0) }] }
    }

    private func text(of query: [ConnectionURL.Parameter]) -> [[String?]] {
        query.map { [String($0.name), $0.value.map { String($0) }] }
    }
}
