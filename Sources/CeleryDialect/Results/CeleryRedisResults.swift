#if Redis
package import CeleriacCore
import CeleriacQueues
package import CeleriacRedis
import CeleriacWire
package import CeleryWire
package import Logging
package import NIOCore
import NIOConcurrencyHelpers

/// Results in Redis as Celery keeps them: a key for each task, whose changes are published on the channel of the same
/// name.
package final class CeleryRedisResults: AttemptCountingStore {
    let keys: CeleryResultKeys
    let client: RedisClient
    private let serializer: CelerySerializer
    /// How long what is counted of chords is kept, zero for ever; nil for as long as results.
    let chordExpiry: Duration?
    /// Whether the parts of chords are kept by their positions, or else as they come.
    package let ordersChordParts: Bool
    private let pubSub: RedisPubSub
    private let sink: CurrentSink

    /// Creates a store, which connects on first use. `keyPrefix` is the result backend's `global_keyprefix`, and
    /// `serializer` that of the results in it. `chordExpiry` is how long what is counted of chords is kept, zero for ever; nil
    /// for as long as results. `ordersChordParts` is `result_chord_ordered`, which must be the same at all workers: without
    /// it the parts of a chord are a list, and come to its body in the order in which they ended.
    package init(
        _ configuration: RedisConfiguration,
        keyPrefix: String = "",
        serializer: CelerySerializer = .json,
        chordExpiry: Duration? = nil,
        ordersChordParts: Bool = true,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        let keys = CeleryResultKeys(prefix: keyPrefix)
        let sink = CurrentSink()
        self.keys = keys
        self.serializer = serializer
        self.chordExpiry = chordExpiry
        self.ordersChordParts = ordersChordParts
        self.sink = sink
        self.replyTo = randomUUID()
        self.client = RedisClient(configuration, eventLoopGroup: eventLoopGroup, logger: logger)
        self.pubSub = RedisPubSub(
            configuration, eventLoopGroup: eventLoopGroup, logger: logger,
            onEvent: { event in if case .resubscribed = event { sink.current?.updatesMayBeMissing() } },
            onMessages: { messages in
                let updates = messages.compactMap { message in
                    keys.taskID(ofKey: message.channel).map { (taskID: $0, payload: message.payload) }
                }
                sink.current?.receive(updates)
            })
    }

    /// The server, without credentials.
    package var name: String { client.configuration.description }

    /// The `reply_to` of messages. Nothing listens on that queue, because results are read from Redis.
    package let replyTo: String

    /// False, because results are kept and can be read any number of times.
    package var deliversOnce: Bool { false }

    /// Counts attempts beside the results.
    package var attemptCounter: any AttemptCounter { RedisAttemptCounter(client, keyPrefix: keys.prefix) }

    /// Connects and logs in, if that has not happened.
    package func checkUse() async throws { try await client.checkUse(of: name) }

    // MARK: Storing

    /// Stores states in one round trip, but never over a stored success.
    package func store(_ records: [ResultRecord]) async throws {
        // A script's stack holds a few thousand values.
        var commands: [RedisCommand] = []
        for start in stride(from: 0, to: records.count, by: 200) {
            commands.append(storeCommand(records[start..<min(start + 200, records.count)], force: false))
        }
        for (index, reply) in try await client.results(commands, keysAreAlike: true).enumerated() {
            let undecided = (reply.array ?? []).compactMap { $0.int.map { Int($0) } }
            for place in undecided where records.indices.contains(200 * index + place) {
                try await storeUnlessSuccess(records[200 * index + place])
            }
        }
    }

    private func storeCommand(_ records: ArraySlice<ResultRecord>, force: Bool) -> RedisCommand {
        var arguments: [any RedisArgument] = [force ? "1" : ""]
        arguments.reserveCapacity(2 * records.count + 1)
        for record in records {
            arguments.append(record.expiry?.lifetimeInSeconds ?? 0)
            arguments.append(record.payload)
        }
        return .evaluate(Self.storeScript, keys: records.map { keys.task($0.taskID) }, arguments: arguments)
    }

    /// Stores a state if the script could not read the stored one: a compressed result of Celery 5.7, or Python's YAML.
    private func storeUnlessSuccess(_ record: ResultRecord) async throws {
        if let stored = try await fetch([record.taskID]).first ?? nil,
            let meta = try? CeleryResultMeta.decode(stored, serializer: serializer, limits: .celery),
            meta.status == TaskState.success.rawValue
        {
            return
        }
        _ = try await client.results([storeCommand([record], force: true)], keysAreAlike: true)
    }

    /// Stores states and publishes them, except over a success. Every peer writes the status first in JSON and
    /// MessagePack, so the first bytes decide. The script returns the indices of states whose stored value begins
    /// otherwise, without storing them, unless `force` is given.
    private static let storeScript = RedisScript(
        name: "storeResults",
        source: """
            local undecided = {}
            for i, key in ipairs(KEYS) do
              local head = ARGV[1] == '' and redis.call('GETRANGE', key, 0, 40) or ''
              local status = string.match(head, '^{"status":%s*"(%u+)"')
                or string.match(head, '^[\\128-\\143]\\166status[\\160-\\191](%u+)\\166result')
              if head ~= '' and not status then
                undecided[#undecided + 1] = i - 1
              elseif status ~= 'SUCCESS' then
                local ttl, payload = ARGV[2 * i], ARGV[2 * i + 1]
                if ttl == '0' then
                  redis.call('SET', key, payload)
                else
                  redis.call('SET', key, payload, 'EX', ttl)
                end
                redis.call('PUBLISH', key, payload)
              end
            end
            return undecided
            """)

    // MARK: Reading

    /// Passes on the states that are stored for these tasks from now on.
    package func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
        self.sink.set(sink)
        do {
            try await pubSub.subscribe(taskIDs.map(keys.task))
        } catch {
            throw CeleriacError(
                error.failureCode(otherwise: .resultStore), "cannot wait for results in \(name)", cause: error)
        }
    }

    /// Stops watching these tasks.
    package func unwatch(_ taskIDs: [String]) {
        pubSub.submitUnsubscribe(taskIDs.map(keys.task))
    }

    /// Reads the stored states of these tasks; nil for a task without one.
    package func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
        try await client.fetchResults(taskIDs.map(keys.task), keysAreAlike: true)
    }

    /// Deletes the stored states of these tasks.
    package func forget(_ taskIDs: [String]) async throws {
        try await client.deleteResults(taskIDs.map(keys.task))
    }

    /// Stores the references to a group's results, and publishes them on the channel of the key's name, as Celery does.
    package func storeGroup(_ id: String, payload: [UInt8], expiry: Duration?) async throws {
        let key = keys.group(id)
        var set = RedisCommand("SET", key, payload)
        if let seconds = Self.seconds(expiry) {
            set.append("EX")
            set.append(String(seconds))
        }
        _ = try await client.results([
            RedisCommand("MULTI"), set, RedisCommand("PUBLISH", key, payload), RedisCommand("EXEC"),
        ])
    }

    /// Reads the stored group; nil if there is none.
    package func fetchGroup(_ id: String) async throws -> [UInt8]? {
        try await client.results([RedisCommand("GET", keys.group(id))]).first?.bytes
    }

    /// Deletes a stored group.
    package func forgetGroup(_ id: String) async throws {
        try await client.deleteResults([keys.group(id)])
    }

    /// Closes the connections.
    package func close() async {
        await pubSub.close()
        await client.close()
    }
}

/// The sink for published results. It is set later, because the subscription's closures are made before any sink
/// exists.
private final class CurrentSink: Sendable {
    private let sink = NIOLockedValueBox<(any ResultSink)?>(nil)

    var current: (any ResultSink)? { sink.withLockedValue { $0 } }

    func set(_ sink: any ResultSink) { self.sink.withLockedValue { $0 = sink } }
}

extension CeleryRedisResults: HealthChecked {
    /// Asks Redis whether it answers.
    package func checkHealth() async throws { try await client.checkHealth() }
}
#endif
