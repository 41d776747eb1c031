#if Redis
package import CeleriacCore
package import CeleriacRedis
import CeleriacWire

package import struct FoundationEssentials.Date

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

    /// As ``ParkedMessageKeeper/trimParked(in:to:now:)``. `reading` reads a record's message.
    package func trim(
        to policy: ParkingPolicy, now: Date, reading: (ParkedMessage) -> ParkedMessage
    ) async throws -> ParkedTrim {
        var trim = ParkedTrim()
        do {
            if let limit = policy.limit {
                // One script takes the surplus out, so that two workers that look at the same time do not both do.
                var surplus: [RedisValue]
                repeat {
                    surplus =
                        try await client.look([
                            .evaluate(
                                Self.takeSurplus, keys: [key],
                                arguments: [
                                    limit, Self.pageSize, client.configuration.portionBytes,
                                    newestFirst ? "RPOP" : "LPOP", newestFirst ? "RPUSH" : "LPUSH",
                                ])
                        ]).first?.array ?? []
                    for record in surplus.compactMap(\.bytes) {
                        trim.dropped.append((reading(shown((SHA1.hexadecimal(record), record))), false))
                    }
                } while !surplus.isEmpty && !trim.isPartial
            }
            trim.left = try await client.look([RedisCommand("LLEN", key)]).first?.int ?? 0
            guard policy.age != nil, !trim.isPartial else { return trim }
            let aged = ParkingPolicy(age: policy.age)
            try await visit { records in
                var found = ParkedTrim()
                let goesOn = records.allSatisfy { aged.admits(shown($0), in: &found, now: now) }
                trim.next = found.next
                let ids = Set(found.dropped.map(\.message.id))
                let old = records.filter { ids.contains($0.id) }
                let removed = try await client.look(old.map { RedisCommand("LREM", key, 1, $0.bytes) }).map {
                    $0.int ?? 0
                }
                for (record, count) in zip(old, removed) where count > 0 {
                    trim.dropped.append((reading(shown(record)), true))
                }
                trim.left -= removed.reduce(0, +)
                return goesOn && !trim.isPartial ? removed.reduce(0, +) : nil
            }
        } catch {
            try trim.cutShort(by: error)
        }
        return trim
    }

    /// As ``ParkedMessageKeeper/markTold(_:in:)``.
    package func markTold(_ ids: [String]) async throws {
        var left = Set(ids)
        try await visit { records in
            let commands = records.compactMap { record -> RedisCommand? in
                guard left.remove(record.id) != nil, let told = format.told(record.bytes) else { return nil }
                return .evaluate(Self.replace, keys: [key], arguments: [record.bytes, told])
            }
            _ = try await client.look(commands)
            return left.isEmpty ? nil : 0
        }
    }

    /// Takes out the oldest records past a number. Keys: the list. Arguments: the number, how many at most, how many bytes
    /// at most unless one has more, the commands that take from and put back to the end where the oldest are. Returns the
    /// records.
    private static let takeSurplus = RedisScript(
        name: "takeSurplusParked",
        source: """
            local surplus = math.min(redis.call('LLEN', KEYS[1]) - ARGV[1], tonumber(ARGV[2]))
            local room, found = tonumber(ARGV[3]), {}
            while #found < surplus do
              local record = redis.call(ARGV[4], KEYS[1])
              room = room - #record
              if room < 0 and #found > 0 then
                redis.call(ARGV[5], KEYS[1], record)
                break
              end
              found[#found + 1] = record
            end
            return found
            """)

    /// Reads a page. Keys: the list. Arguments: how many of the oldest to pass over, how many at most, how many bytes at
    /// most unless one has more, the end where the oldest are. Returns whether the list ends with the page, and the
    /// records, the oldest first.
    ///
    /// Redis walks through the list for each range that it reads, so there are few ranges: each is twice as long as the one
    /// before. The first is short, because records may be large.
    private static let page = RedisScript(
        name: "pageOfParked",
        source: """
            local passed, most, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
            local newestFirst, length, found = ARGV[4] == 'R', 1, {}
            while #found < most do
              local place = passed + #found
              length = math.min(length, most - #found)
              local first, last = place, place + length - 1
              if newestFirst then first, last = -1 - last, -1 - first end
              local records = redis.call('LRANGE', KEYS[1], first, last)
              for i = 1, #records do
                local record = records[newestFirst and #records + 1 - i or i]
                room = room - #record
                if room < 0 and #found > 0 then return {0, found} end
                found[#found + 1] = record
              end
              if #records < length then return {1, found} end
              length = 2 * length
            end
            return {0, found}
            """)

    /// Puts a record in another's place. Keys: the list. Arguments: the record, the new one. Returns 1 if it was there.
    private static let replace = RedisScript(
        name: "replaceParked",
        source: """
            local place = redis.call('LPOS', KEYS[1], ARGV[1])
            if place then redis.call('LSET', KEYS[1], place, ARGV[2]) end
            return place and 1 or 0
            """)

    // MARK: Records

    private typealias Record = (id: String, bytes: [UInt8])

    private func decode(_ record: Record) -> ParkedMessage? {
        format.decode(record.bytes, id: record.id, queue: queue)
    }

    /// What is known of a record, whatever its format.
    private func shown(_ record: Record) -> ParkedMessage {
        decode(record)
            ?? ParkedMessage(id: record.id, queue: queue, message: [], reason: "", detail: "", time: nil, worker: "")
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
            let page =
                try await client.look([
                    .evaluate(
                        Self.page, keys: [key],
                        arguments: [
                            passed, Self.pageSize, client.configuration.portionBytes, newestFirst ? "R" : "L",
                        ])
                ]).first?.array ?? []
            let records = (page.last?.array ?? []).compactMap(\.bytes).map { (id: SHA1.hexadecimal($0), bytes: $0) }
            guard let removed = try await body(records), page.first?.int == 0 else { return }
            passed += records.count - removed
        }
    }
}
#endif
