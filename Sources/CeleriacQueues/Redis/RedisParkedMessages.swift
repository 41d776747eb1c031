#if Redis
package import CeleriacCore
package import CeleriacRedis

/// The messages parked from one queue: a list of records in Redis.
///
/// Records have no ids of their own. A message's id is the SHA-1 of its record.
package struct RedisParkedMessages: Sendable {
    private static let pageSize = 100

    private let client: RedisClient
    private let queue: String
    private let key: String
    private let format: ParkedMessageFormat
    private let newestFirst: Bool

    /// Creates a view of the list `key`, which holds the messages parked from `queue` in this format. `newestFirst`
    /// says whether records are pushed to the left end.
    package init(
        _ client: RedisClient, queue: String, key: String, format: ParkedMessageFormat, newestFirst: Bool
    ) {
        self.client = client
        self.queue = queue
        self.key = key
        self.format = format
        self.newestFirst = newestFirst
    }

    /// As ``MessageBroker/parkedMessages(in:after:limit:)``. Skips records in a foreign format.
    package func list(after id: String?, limit: Int) async throws -> [ParkedMessage] {
        if limit <= 0 { return [] }
        var isPast = id == nil
        var found: [ParkedMessage] = []
        try await visit { records in
            for record in records where found.count < limit {
                if isPast, let parked = decode(record) { found.append(parked) }
                if record.id == id { isPast = true }
            }
            return found.count < limit ? 0 : nil
        }
        if let id, !isPast { throw CeleriacError.notParked(id, in: queue) }
        return found
    }

    /// Looks at all messages once, in order and page by page, until `body` returns false.
    package func walk(_ body: ([ParkedMessage]) -> Bool) async throws {
        try await visit { records in body(records.compactMap(decode)) ? 0 : nil }
    }

    /// As ``MessageBroker/requeueParked(_:in:)``. `command` pushes to the end of a queue (`LPUSH` or `RPUSH`), and
    /// `list` names the list that a message belongs to.
    package func requeue(
        _ ids: [String], by command: String, to list: ([UInt8]) throws -> String
    ) async throws -> Int {
        try await remove(ids) { record in
            guard let parked = decode(record) else { return nil }
            return .evaluate(
                Self.requeue, keys: [key, try list(parked.message)], arguments: [record.bytes, command, parked.message])
        }
    }

    /// As ``MessageBroker/dropParked(_:in:)``.
    package func drop(_ ids: [String]) async throws -> Int {
        try await remove(ids) { RedisCommand("LREM", key, 1, $0.bytes) }
    }

    /// Keys: the list of parked messages, the list to push to. Arguments: the record, the command, the message. The
    /// script pushes first: if the key has another type, the script fails and the message stays parked.
    private static let requeue = RedisScript(
        name: "requeueParked",
        source: """
            if not redis.call('LPOS', KEYS[1], ARGV[1]) then return 0 end
            redis.call(ARGV[2], KEYS[2], ARGV[3])
            return redis.call('LREM', KEYS[1], 1, ARGV[1])
            """)

    // MARK: Records

    private typealias Record = (id: String, bytes: [UInt8])

    private func decode(_ record: Record) -> ParkedMessage? {
        format.decode(record.bytes, id: record.id, queue: queue)
    }

    /// Removes records by commands that return 1 if they did.
    private func remove(_ ids: [String], by command: (Record) throws -> RedisCommand?) async throws -> Int {
        var left = Set(ids)
        var count = 0
        try await visit { records in
            if left.isEmpty { return nil }
            let commands = try records.filter { left.remove($0.id) != nil }.compactMap(command)
            if commands.isEmpty { return 0 }
            let removed = try await client.look(commands).compactMap(\.int).reduce(0, +)
            count += removed
            return removed
        }
        return count
    }

    /// Looks at all records in the order in which they were written, a page at a time, so that no page is large. `body`
    /// is given a page, and returns how many of its records it has removed; nil to end.
    private func visit(_ body: ([Record]) async throws -> Int?) async throws {
        var passed = 0
        while true {
            let last = passed + Self.pageSize - 1
            let range =
                newestFirst
                ? RedisCommand("LRANGE", key, -1 - last, -1 - passed) : RedisCommand("LRANGE", key, passed, last)
            let values = try await client.look([range]).first?.array ?? []
            let records = values.compactMap(\.bytes).map { (id: SHA1.hexadecimal($0), bytes: $0) }
            guard let removed = try await body(newestFirst ? records.reversed() : records),
                values.count == Self.pageSize
            else { return }
            passed += values.count - removed
        }
    }
}
#endif
