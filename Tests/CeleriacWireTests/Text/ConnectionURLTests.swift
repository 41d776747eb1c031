import CeleriacWire
import Testing

struct ConnectionURLTests {
    @Test func splitsEveryPart() throws {
        let url = try ConnectionURL("RediSS://me:pa%3As@host:6380/3?db=4&flag&x=a=b&&y=#fragment?z=1")
        #expect(url.scheme == "rediss")
        #expect(url.user == "me")
        #expect(url.password == "pa%3As")
        #expect(url.hosts == [.init(name: "host", port: "6380")])
        #expect(url.path == "/3")
        #expect(
            url.query == [
                .init(name: "db", value: "4"), .init(name: "flag", value: nil), .init(name: "x", value: "a=b"),
                .init(name: "y", value: ""),
            ])
    }

    @Test func tellsAbsentFromEmpty() throws {
        let bare = try ConnectionURL("amqp://")
        #expect(bare.user == nil && bare.password == nil)
        #expect(bare.hosts == [.init(name: "", port: nil)])
        #expect(bare.path.isEmpty && bare.query.isEmpty)

        let empty = try ConnectionURL("amqp://:@:/?")
        #expect(empty.user == "" && empty.password == "")
        #expect(empty.hosts == [.init(name: "", port: "")])
        #expect(empty.path == "/" && empty.query.isEmpty)

        let user = try ConnectionURL("amqp://me@host")
        #expect(user.user == "me" && user.password == nil)
    }

    @Test func loginEndsWithTheLastAt() throws {
        let url = try ConnectionURL("redis://a:b@c:d@host/p@th?q=@")
        #expect(url.user == "a" && url.password == "b@c:d")
        #expect(url.hosts == [.init(name: "host", port: nil)])
        #expect(url.path == "/p@th")
        #expect(url.query == [.init(name: "q", value: "@")])
    }

    @Test func readsSeveralHosts() throws {
        let url = try ConnectionURL("redis://p,w@a:1,[::1]:2,[fe80::1],,b/0")
        #expect(url.user == "p,w")
        #expect(
            url.hosts == [
                .init(name: "a", port: "1"), .init(name: "::1", port: "2"), .init(name: "fe80::1", port: nil),
                .init(name: "", port: nil), .init(name: "b", port: nil),
            ])
    }

    /// A combining mark after a separator makes one character of both, which must not hide the separator.
    @Test func separatorsAreBytes() throws {
        let url = try ConnectionURL("redis://u:\u{301}p@\u{301}h:\u{301}1/\u{301}d?\u{301}q=\u{301}v")
        #expect(url.user == "u" && url.password == "\u{301}p")
        #expect(url.hosts == [.init(name: "\u{301}h", port: "\u{301}1")])
        #expect(Array(url.path.utf8) == Array("/\u{301}d".utf8))
        #expect(url.query == [.init(name: "\u{301}q", value: "\u{301}v")])
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
}
