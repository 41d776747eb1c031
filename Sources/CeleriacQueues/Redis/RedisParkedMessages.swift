#if Redis
package import CeleriacCore
package import CeleriacRedis

/// The messages parked from one queue: a list of records in Redis.
///
/// Records have no ids of their own. A message's id is the SHA-1 of its record.
package struct RedisParkedMessages: Sendable {
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
        var records = try await records()[...]
        if let id, let last = records.firstIndex(where: { $0.id == id }) { records = records[(last + 1)...] }
        return Array(
            records.lazy.compactMap { format.decode($0.bytes, id: $0.id, queue: queue) }.prefix(max(0, limit)))
    }

    /// As ``MessageBroker/requeueParked(_:in:)``. `command` pushes to the end of a queue (`LPUSH` or `RPUSH`), and
    /// `list` names the list that a message belongs to.
    package func requeue(
        _ ids: [String], by command: String, to list: ([UInt8]) throws -> String
    ) async throws -> Int {
        let commands = try await records(ids).compactMap { record -> RedisCommand? in
            guard let parked = format.decode(record.bytes, id: record.id, queue: queue) else { return nil }
            return .evaluate(
                Self.requeue, keys: [key, try list(parked.message)], arguments: [record.bytes, command, parked.message])
        }
        return try await client.look(commands).compactMap(\.int).reduce(0, +)
    }

    /// As ``MessageBroker/dropParked(_:in:)``.
    package func drop(_ ids: [String]) async throws -> Int {
        let commands = try await records(ids).map { RedisCommand("LREM", key, 1, $0.bytes) }
        return try await client.look(commands).compactMap(\.int).reduce(0, +)
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

    private func records(_ ids: [String]) async throws -> [(id: String, bytes: [UInt8])] {
        let ids = Set(ids)
        return try await records().filter { ids.contains($0.id) }
    }

    /// All records in the order in which they were written.
    private func records() async throws -> [(id: String, bytes: [UInt8])] {
        let values = try await client.look([RedisCommand("LRANGE", key, 0, -1)]).first?.array ?? []
        let records = values.compactMap(\.bytes).map { (id: SHA1.hexadecimal($0), bytes: $0) }
        return newestFirst ? records.reversed() : records
    }
}
#endif
