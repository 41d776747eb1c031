#if Redis
internal import NIOConcurrencyHelpers

/// Where a server listens.
package struct RedisAddress: Sendable, Hashable {
    /// The host's name or address.
    package var host: String
    /// The TCP port.
    package var port: Int

    /// Creates an address.
    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

extension RedisAddress: CustomStringConvertible {
    /// Host and port as in a URL.
    package var description: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return "\(name):\(port)"
    }
}

/// The sentinels that know which server is the primary, and the settings of connections to them.
package struct RedisSentinels: Sendable {
    /// The sentinels. They are asked in turn, and the one that knew the primary last is asked first.
    package var addresses: [RedisAddress]
    /// The name under which the sentinels watch the primary: kombu's `master_name`.
    package var primaryName: String
    /// The sentinels' own user; `nil` for their default user.
    package var user: String?
    /// The sentinels' own password, which is not the server's. Without a user and a password, no `AUTH` is sent.
    package var password: String?
    /// The encryption of connections to sentinels; `nil` for none.
    package var tls: RedisTLS?
    /// How many other sentinels one must see for its word to count: kombu's `min_other_sentinels`. More than zero needs
    /// the right to use `SENTINEL MASTER`.
    package var minimumOthers = 0
    /// How long one sentinel may take to connect, and again to answer; `nil` for its share of the server's
    /// `connectTimeout`.
    package var timeout: Duration?
    /// Which sentinel is asked first. All copies have it in common, and so all connections of a client.
    private let first = NIOLockedValueBox(0)

    /// Creates the sentinels of a primary.
    package init(_ addresses: [RedisAddress], primaryName: String) {
        self.addresses = addresses
        self.primaryName = primaryName
    }

    /// The sentinels in the order in which they are to be asked.
    var inTurn: [RedisAddress] {
        guard !addresses.isEmpty else { return [] }
        let first = first.withLockedValue { $0 } % addresses.count
        return Array(addresses[first...] + addresses[..<first])
    }

    /// Remembers who knew the primary.
    func askFirst(_ address: RedisAddress) {
        guard let index = addresses.firstIndex(of: address) else { return }
        first.withLockedValue { $0 = index }
    }

    /// Passes over the one who is asked first. What it said led nowhere, and another may know better by now.
    func askAnotherFirst() {
        guard !addresses.isEmpty else { return }
        first.withLockedValue { $0 = ($0 + 1) % addresses.count }
    }

    /// How long one sentinel may take to connect, and again to answer, so that all of them and the primary fit into a
    /// limit.
    func share(of limit: Duration) -> Duration {
        let share = limit / (addresses.count + 1)
        return timeout.map { min($0, limit) } ?? share
    }
}
#endif
