#if Redis

/// Which keys a command has: they decide which node of a cluster can do it.
extension RedisCommand {
    /// The arguments one after another, the command's name first. A script call's begin with the number of its keys.
    struct Arguments: Sequence, IteratorProtocol {
        private let encoded: [UInt8]
        private var position = 0

        init(_ command: RedisCommand) { encoded = command.encoded }

        mutating func next() -> ArraySlice<UInt8>? {
            guard position < encoded.count, encoded[position] == UInt8(ascii: "$") else { return nil }
            var start = position + 1
            var count = 0
            while start < encoded.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= encoded[start] {
                count = count &* 10 &+ Int(encoded[start] - UInt8(ascii: "0"))
                start += 1
            }
            // The length and the argument end with two bytes each.
            start += 2
            guard count >= 0, count <= encoded.count - start else { return nil }
            position = start + count + 2
            return encoded[start..<start + count]
        }
    }

    private enum KeyPlace {
        case none
        case first
        case all
        /// The last argument is a time.
        case allButLast
    }

    /// The places of keys in commands that have not just one behind their name.
    private static let places: [String: KeyPlace] = {
        let without = [
            "ACL", "ASKING", "AUTH", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DBSIZE", "DISCARD", "ECHO", "EXEC",
            "FLUSHALL", "FLUSHDB", "HELLO", "INFO", "KEYS", "MULTI", "PING", "PUBLISH", "ROLE", "SCAN", "SCRIPT",
            "SELECT", "TIME", "UNWATCH", "WAIT",
        ]
        var places: [String: KeyPlace] = [:]
        for name in without { places[name] = KeyPlace.none }
        for name in ["DEL", "EXISTS", "MGET", "TOUCH", "UNLINK", "WATCH"] { places[name] = .all }
        for name in ["BLPOP", "BRPOP"] { places[name] = .allButLast }
        return places
    }()

    /// The command's name in upper case; empty for a script call.
    var name: String {
        guard script == nil, let name = Arguments(self).first(where: { _ in true }) else { return "" }
        return String(decoding: name, as: UTF8.self).uppercased()
    }

    /// The keys: all of them if they may lie in several slots, otherwise at least the first.
    var keys: [ArraySlice<UInt8>] {
        var arguments = Arguments(self)
        let first = arguments.next()
        if script != nil {
            let count = first.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
            return count > 0 ? Array(arguments.prefix(count)) : []
        }
        guard let first else { return [] }
        switch Self.places[String(decoding: first, as: UTF8.self).uppercased()] ?? .first {
        case .none: return []
        case .first: return arguments.next().map { [$0] } ?? []
        case .all: return Array(arguments)
        case .allButLast: return Array(arguments.dropLast())
        }
    }

    /// The arguments of a script call behind its keys.
    var scriptArguments: [ArraySlice<UInt8>] {
        var arguments = Arguments(self)
        let count = arguments.next().flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
        return Array(arguments.dropFirst(max(0, count)))
    }
}
#endif
