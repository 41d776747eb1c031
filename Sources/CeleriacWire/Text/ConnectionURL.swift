/// A connection URL, split into parts that stay exactly as written.
///
/// Nothing is percent-decoded, because the dialects disagree about broken escapes and about `+` in a query. All
/// separators are ASCII, so the parts are valid text.
package struct ConnectionURL: Sendable, Hashable {
    /// One of the servers.
    package struct Host: Sendable, Hashable {
        /// The name or address, without the brackets of an IPv6 address. Empty if the URL names none.
        package let name: Substring
        /// What follows the colon; `nil` without a colon.
        package let port: Substring?
    }

    /// One parameter of the query.
    package struct Parameter: Sendable, Hashable {
        package let name: Substring
        /// What follows the equals sign; `nil` without one.
        package let value: Substring?
    }

    /// Why text is not a connection URL. No case quotes the text, which may contain a password.
    package enum Problem: Error, Sendable, Hashable {
        /// There is no `://`.
        case noScheme
        /// The opening bracket of an IPv6 address has no closing one.
        case openBracket
        /// Something other than a port follows the closing bracket.
        case textAfterBracket
    }

    /// The scheme in lower case.
    package let scheme: String
    /// What precedes the first colon of the login; `nil` without a login.
    package let user: Substring?
    /// What follows the first colon of the login; `nil` without one.
    package let password: Substring?
    /// The servers, separated by commas. There is always one, whose name may be empty.
    package let hosts: [Host]
    /// The path with its slash; empty if there is none.
    package let path: Substring
    /// The parameters of the query, in order. Empty ones are left out.
    package let query: [Parameter]

    /// Splits a URL. The login ends with the last `@` before the path, so a password may contain one; a fragment is
    /// dropped.
    package init(_ text: String) throws(Problem) {
        guard let (scheme, rest) = Self.splitScheme(text) else { throw .noScheme }
        self.scheme = scheme
        var authority = rest.utf8.prefix { $0 != UInt8(ascii: "#") }
        let mark = authority.firstIndex(of: UInt8(ascii: "?")) ?? authority.endIndex
        self.query = authority[mark...].dropFirst().split(separator: UInt8(ascii: "&")).map { Parameter($0) }
        authority = authority[..<mark]
        let slash = authority.firstIndex(of: UInt8(ascii: "/")) ?? authority.endIndex
        self.path = Substring(authority[slash...])
        authority = authority[..<slash]
        var login: Substring.UTF8View?
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
            login = authority[..<at]
            authority = authority[authority.index(after: at)...]
        }
        self.password = login.flatMap { login in
            login.firstIndex(of: UInt8(ascii: ":")).map { Substring(login[login.index(after: $0)...]) }
        }
        self.user = login.map { Substring($0.prefix { $0 != UInt8(ascii: ":") }) }
        var hosts: [Host] = []
        for host in authority.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            hosts.append(try Host(host))
        }
        self.hosts = hosts
    }

    /// Splits off the scheme, in lower case, from everything after `://`, for schemes that are not followed by the
    /// parts of a URL; `nil` without a scheme.
    package static func splitScheme(_ text: String) -> (scheme: String, rest: Substring)? {
        guard let separator = text.utf8.firstRange(of: "://".utf8) else { return nil }
        return (text[..<separator.lowerBound].lowercased(), text[separator.upperBound...])
    }
}

extension ConnectionURL.Host {
    fileprivate init(_ text: Substring.UTF8View) throws(ConnectionURL.Problem) {
        guard text.first == UInt8(ascii: "[") else {
            let colon = text.firstIndex(of: UInt8(ascii: ":"))
            name = Substring(text[..<(colon ?? text.endIndex)])
            port = colon.map { Substring(text[text.index(after: $0)...]) }
            return
        }
        guard let bracket = text.firstIndex(of: UInt8(ascii: "]")) else { throw .openBracket }
        let rest = text[text.index(after: bracket)...]
        guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { throw .textAfterBracket }
        name = Substring(text[..<bracket].dropFirst())
        port = rest.isEmpty ? nil : Substring(rest.dropFirst())
    }
}

extension ConnectionURL.Parameter {
    fileprivate init(_ text: Substring.UTF8View) {
        let equals = text.firstIndex(of: UInt8(ascii: "="))
        name = Substring(text[..<(equals ?? text.endIndex)])
        value = equals.map { Substring(text[text.index(after: $0)...]) }
    }
}
