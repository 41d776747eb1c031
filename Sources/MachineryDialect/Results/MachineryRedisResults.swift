#if Redis
package import CeleriacCore
import CeleriacQueues
package import CeleriacRedis
import CeleriacWire
package import Logging
import MachineryWire
package import NIOCore
import NIOConcurrencyHelpers

/// Task states and groups in Redis as Machinery keeps them: each under a key that is its id.
package final class MachineryRedisResults: AttemptCountingStore {
    private let client: RedisClient
    private let timers: EventLoopTimerSource
    /// Members whose groups this process has marked as triggered, or tried to.
    private let unsettled = UnsettledMembers<Void>()
    /// How often the store fetches results that a client waits for. Redis does not announce them.
    package let pollInterval: Duration?

    /// Creates a store, which connects on first use. It fetches results that a client waits for every `pollInterval`.
    package init(
        _ configuration: RedisConfiguration,
        pollInterval: Duration = .milliseconds(5),
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.client = RedisClient(configuration, eventLoopGroup: eventLoopGroup, logger: logger)
        self.timers = EventLoopTimerSource(eventLoop: client.eventLoop)
        self.pollInterval = pollInterval
    }

    /// The server, without credentials.
    package var name: String { client.configuration.description }
    /// Empty, because no result arrives on a queue.
    package var replyTo: String { "" }
    /// False, because states are kept and can be read any number of times.
    package var deliversOnce: Bool { false }
    /// True, because the store counts the members that have ended.
    package var countsChords: Bool { true }
    /// Counts attempts beside the results.
    package var attemptCounter: any AttemptCounter { RedisAttemptCounter(client) }

    /// Connects and logs in, if that has not happened.
    package func checkUse() async throws { try await client.checkUse(of: name) }

    // MARK: States

    /// Stores states in one round trip. Of several states of one task it writes only the last: the script is atomic, so
    /// no client could see the others. States without a time keep the stored one.
    package func store(_ records: [ResultRecord]) async throws {
        var last: [String: Int] = [:]
        for (index, record) in records.enumerated() { last[record.taskID] = index }
        let records = records.enumerated().filter { last[$1.taskID] == $0 }.map(\.element)
        var commands: [RedisCommand] = []
        // A script's stack holds a few thousand values.
        for start in stride(from: 0, to: records.count, by: 300) {
            let portion = records[start..<min(start + 300, records.count)]
            var arguments: [any RedisArgument] = []
            arguments.reserveCapacity(2 * portion.count)
            for record in portion {
                arguments.append(seconds(record.expiry))
                arguments.append(record.payload)
            }
            commands.append(.evaluate(Self.storeScript, keys: portion.map(\.taskID), arguments: arguments))
        }
        _ = try await client.results(commands)
    }

    /// Keys: tasks. Arguments: for each its seconds to live and its state.
    ///
    /// Machinery reads a state before it writes the next, to keep the time at which the task was sent. Every peer
    /// writes that time at the end of the state.
    private static let storeScript = RedisScript(
        name: "storeStates",
        source: """
            local none = ',"CreatedAt":"0001-01-01T00:00:00Z","TTL":0}'
            for i, key in ipairs(KEYS) do
              local ttl, state = ARGV[2 * i - 1], ARGV[2 * i]
              if string.sub(state, -#none) == none then
                local tail = redis.call('GETRANGE', key, -90, -1)
                local time = string.match(tail, ',"CreatedAt":"[^"]*","TTL":%-?%d+}$')
                if time then state = string.sub(state, 1, -#none - 1) .. time end
              end
              redis.call('SET', key, state, 'EX', ttl)
            end
            return #KEYS
            """, argumentsPerKey: 2)

    /// Machinery keeps states for an hour by default. It cannot keep them forever.
    private func seconds(_ expiry: Duration?) -> Int {
        guard let expiry, expiry > .zero else { return 3600 }
        return expiry.lifetimeInSeconds
    }

    /// Does nothing, because results are fetched every ``pollInterval``.
    package func watch(_ taskIDs: [String], sink: any ResultSink) async throws {}

    /// Does nothing.
    package func unwatch(_ taskIDs: [String]) {}

    /// Reads the stored states of these tasks; nil for a task without one.
    package func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
        try await client.fetchResults(taskIDs)
    }

    /// Deletes the stored states of these tasks.
    package func forget(_ taskIDs: [String]) async throws {
        try await client.deleteResults(taskIDs)
    }

    // MARK: Groups

    /// Stores groups, and returns, once for each chord, the states of all members when all have ended. As with Go
    /// workers, only one worker gets them, under `TriggerChordMutex`.
    ///
    /// A worker that got them for a member, but not the answer, gets them again when the member joins again. So does
    /// whoever runs the member again, if the first worker was killed: it may not have sent the callback. In Go nobody
    /// sends it then, since the group says that it was triggered. A key of ours says for which member.
    package func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
        _ = try await client.results(
            operations.compactMap { operation in
                switch operation {
                case .save(let groupID, let payload, let expiry):
                    RedisCommand("SET", groupID, payload, "EX", seconds(expiry))
                case .close(let claim, _):
                    .evaluate(Self.closeScript, keys: [Self.triggerKey(claim.groupID)], arguments: [claim.token])
                default: nil
                }
            })
        let parts = operations.compactMap(\.chordPart)
        for part in parts where part.mayHaveCompleted || unsettled[part] != nil { try await reopen(part) }
        let ids = Set(parts.map(\.groupID)).sorted()
        let completed = try await completedGroups(ids)
        var completions: [ChordCompletion?] = []
        for operation in operations {
            guard let part = operation.chordPart, completed.contains(part.groupID),
                let states = try await finalStates(of: part.groupID), try await trigger(part)
            else {
                completions.append(nil)
                continue
            }
            completions.append(
                ChordCompletion(claim: ChordClaim(groupID: part.groupID, token: part.taskID), parts: states, group: nil)
            )
        }
        unsettled.forget(parts)
        return completions
    }

    /// Tells whether all members of a group have ended and no worker has sent the callback. Keys: the group. It returns
    /// only that, so that a member of a large group does not read the states of all others.
    private static let completedScript = RedisScript(
        name: "groupCompleted",
        source: """
            local stored = redis.call('GET', KEYS[1])
            local ok, group = pcall(cjson.decode, stored or '')
            if not ok or type(group.TaskUUIDs) ~= 'table' or group.ChordTriggered == true then return 0 end
            for _, id in ipairs(group.TaskUUIDs) do
              local state = redis.call('GET', id)
              if not state then return 0 end
              local word = string.match(state, '"State":"(%u+)"')
              if word ~= 'SUCCESS' and word ~= 'FAILURE' then return 0 end
            end
            return 1
            """)

    /// The groups whose members have all ended, and for which no worker has sent the callback.
    private func completedGroups(_ ids: [String]) async throws -> Set<String> {
        guard client.configuration.declaresCluster else {
            let replies = try await client.results(ids.map { .evaluate(Self.completedScript, keys: [$0]) })
            return Set(zip(ids, replies).filter { $1.int == 1 }.map(\.0))
        }
        // A group and its members lie in different slots, so no script can look at all of them.
        var completed: Set<String> = []
        for (id, stored) in zip(ids, try await fetch(ids)) {
            guard let stored, let meta = try? MachineryGroupMeta.decode(stored), !meta.chordTriggered,
                let members = meta.taskUUIDs
            else { continue }
            let ended = try await client.results([.evaluate(Self.endedScript, keys: members)]).first?.int
            if ended == members.count { completed.insert(id) }
        }
        return completed
    }

    /// Counts the tasks that have ended. Keys: the tasks.
    private static let endedScript = RedisScript(
        name: "endedTasks",
        source: """
            local count = 0
            for _, id in ipairs(KEYS) do
              local word = string.match(redis.call('GET', id) or '', '"State":"(%u+)"')
              if word == 'SUCCESS' or word == 'FAILURE' then count = count + 1 end
            end
            return count
            """, argumentsPerKey: 0)

    /// Forgets for which member of a group the callback was sent. Key: who it is. Argument: the member.
    private static let closeScript = RedisScript(
        name: "closeGroup",
        source: """
            if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
            return 0
            """)

    /// Claims the right to send a chord's callback for this worker; false if another worker has it.
    private func trigger(_ part: ChordPart) async throws -> Bool {
        try await withMutex {
            guard var meta = try await group(part.groupID), !meta.chordTriggered else { return false }
            meta.chordTriggered = true
            unsettled[part] = ()
            let life = seconds(part.expiry)
            // The one must be there before the other, which in a cluster another node may have.
            _ = try await client.results([
                RedisCommand("SET", Self.triggerKey(part.groupID), part.taskID, "EX", life)
            ])
            _ = try await client.results([RedisCommand("SET", part.groupID, meta.encode(), "EX", life)])
            return true
        }
    }

    /// Takes back that a group was triggered for this member, so that whoever joins it last gets the states. That need
    /// not be this member: others may have come back with it, and not have ended again.
    private func reopen(_ part: ChordPart) async throws {
        let key = Self.triggerKey(part.groupID)
        guard try await fetch([key]).first == Array(part.taskID.utf8) else { return }
        try await withMutex {
            guard try await fetch([key]).first == Array(part.taskID.utf8), var meta = try await group(part.groupID),
                meta.chordTriggered
            else { return }
            meta.chordTriggered = false
            _ = try await client.results([
                RedisCommand("SET", part.groupID, meta.encode(), "EX", seconds(part.expiry))
            ])
        }
    }

    private func withMutex<Result>(_ body: () async throws -> Result) async throws -> Result {
        let mutex = RedisMutex(key: "TriggerChordMutex", client: client, timers: timers)
        try await mutex.lock()
        do {
            let result = try await body()
            try await mutex.unlock()
            return result
        } catch {
            try? await mutex.unlock()
            throw error
        }
    }

    /// The key that says for which member of a group the callback is sent.
    private static func triggerKey(_ groupID: String) -> String { TriggerMark.name(ofGroup: groupID) }

    private func group(_ id: String) async throws -> MachineryGroupMeta? {
        guard let stored = try await fetch([id]).first ?? nil else { return nil }
        do {
            return try MachineryGroupMeta.decode(stored)
        } catch {
            throw CeleriacError(.resultStore, "the group \(id) cannot be read", cause: error)
        }
    }

    /// The states of all members of a group; nil if one has begun again since all had ended. It will join again.
    private func finalStates(of id: String) async throws -> [[UInt8]]? {
        let members = try await group(id)?.taskUUIDs ?? []
        let states = try await fetch(members).compactMap(\.self)
        let areFinal = states.allSatisfy { (try? MachineryTaskState.decode($0))?.isCompleted != false }
        return states.count == members.count && areFinal ? states : nil
    }

    /// Closes the connection.
    package func close() async {
        await client.close()
    }
}

extension MachineryRedisResults: HealthChecked {
    /// Asks Redis whether it answers.
    package func checkHealth() async throws { try await client.checkHealth() }
}
#endif
