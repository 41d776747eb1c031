#if Redis
package import CeleriacCore
import CeleriacQueues
import CeleriacRedis

/// Counts chords in Redis as Celery 5.7 does, so that Python and Swift workers may run parts of the same chord.
extension CeleryRedisResults {
    /// True, because Redis counts the parts.
    package var countsChords: Bool { true }

    /// How long a worker has to publish a chord's body before another may, in seconds: Celery's value with its
    /// defaults.
    private static let claimSeconds: Int64 = 21
    /// How often a part is given again because another worker has the claim. Each time, one more worker has died while
    /// it had the claim.
    private static let maximumWaits = 8
    /// How long Redis remembers that a body was published, in seconds.
    private static let doneSeconds: Int64 = 300

    /// Carries out operations on chords, in one round trip.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` or `resultStore`; also `unavailable` if other workers kept
    ///   the claim on a chord.
    package func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
        var commands: [RedisCommand] = []
        for operation in operations {
            switch operation {
            case .open(let groupID, let size):
                let key = keys.group(groupID)
                commands.append(RedisCommand("DEL", key + ".c"))
                let lifetime: Int64? = if let chordExpiry { Self.lifetime(chordExpiry) } else { 86_400 }
                if let seconds = lifetime {
                    commands.append(RedisCommand("SET", key + ".s", size, "EX", seconds))
                } else {
                    commands.append(RedisCommand("SET", key + ".s", size))
                }
            case .extend(let groupID):
                commands.append(RedisCommand("INCR", keys.group(groupID) + ".t"))
            case .save(let groupID, let payload, let expiry):
                if let seconds = Self.seconds(expiry) {
                    commands.append(RedisCommand("SET", keys.group(groupID), payload, "EX", seconds))
                } else {
                    commands.append(RedisCommand("SET", keys.group(groupID), payload))
                }
            case .add(let part):
                commands.append(addCommand(part))
            case .close(let claim, true):
                let key = keys.group(claim.groupID)
                commands.append(
                    RedisCommand.evaluate(
                        Self.close, keys: [key + ".c", key + ".j", key + ".t", key + ".s", key + ".d"],
                        arguments: [claim.token, Self.doneSeconds]))
            case .close(let claim, false):
                // A part that is given again must not fail the chord again.
                commands.append(RedisCommand("DEL", keys.group(claim.groupID) + ".s"))
            }
        }
        let replies = try await client.results(commands, keysAreAlike: true)
        var completions: [ChordCompletion?] = []
        var index = 0
        for operation in operations {
            if case .add(let part) = operation, replies.indices.contains(index) {
                completions.append(try completion(of: part, replies[index]))
            } else {
                completions.append(nil)
            }
            if case .open = operation { index += 2 } else { index += 1 }
        }
        return completions
    }

    private func completion(of part: ChordPart, _ reply: RedisValue) throws(CeleriacError) -> ChordCompletion? {
        let claim = ChordClaim(groupID: part.groupID, token: part.token)
        if let rest = reply.int {
            guard part.waits < Self.maximumWaits else {
                throw CeleriacError(.unavailable, "other workers held the claim on a chord all the time")
            }
            var completion = ChordCompletion(claim: claim, parts: [], group: nil)
            completion.heldFor = .milliseconds(min(rest, 1000 * Int(Self.claimSeconds)) + 1)
            return completion
        }
        guard let found = reply.array, found.count == 2 else { return nil }
        return ChordCompletion(
            claim: claim, parts: (found[0].array ?? []).compactMap(\.bytes), group: found[1].bytes)
    }

    private func addCommand(_ part: ChordPart) -> RedisCommand {
        let key = keys.group(part.groupID)
        let expiry = Self.seconds(part.expiry)
        let counts: Int64? = if let chordExpiry { Self.lifetime(chordExpiry) } else { expiry }
        // As in Celery, the shape of the group is read by users, too.
        let shape = expiry.flatMap { own in counts.map { max(own, $0) } }
        return RedisCommand.evaluate(
            Self.add, keys: [key + ".j", key + ".t", key + ".s", key + ".d", key, key + ".c"],
            arguments: [
                part.taskID, part.payload, part.index.map { String($0) } ?? "+inf", counts ?? 0, Self.claimSeconds,
                part.token, shape ?? 0, ordersChordParts ? "1" : "0",
            ])
    }

    /// The seconds of a lifetime; nil for zero, which is for ever.
    private static func lifetime(_ expiry: Duration) -> Int64? { expiry > .zero ? seconds(expiry) : nil }

    static func seconds(_ expiry: Duration?) -> Int64? {
        expiry.map { Int64($0.lifetimeInSeconds) }
    }

    /// Adds a part, unless it is there already, and claims the rest of the work if it was the last. Keys: the parts,
    /// the count of extra parts, the size, the tasks that have given a part, the group's shape, the claim. Arguments:
    /// the task, its part, its position, the expiry in seconds or 0, the lifetime of a claim, its token, the expiry of the
    /// group's shape, whether the parts are a sorted set (1) or a list. Returns nothing; or the parts and the group's
    /// shape; or the milliseconds for which another worker has the claim.
    ///
    /// The script counts the parts before it notes the task. If they are kept in the other way, because a worker with another
    /// `result_chord_ordered` has begun, it ends there, and the part can be given again.
    ///
    /// A part that arrives after the body was published is kept as long as the mark of that is. A client that applies
    /// the same chord again sends most of the header before it deletes the mark, and this may be a part of the new run.
    private static let add = RedisScript(
        name: "addChordPart",
        source: """
            local ordered = ARGV[8] == '1'
            local ready = redis.call(ordered and 'ZCARD' or 'LLEN', KEYS[1])
            if redis.call('SADD', KEYS[4], ARGV[1] .. ':' .. ARGV[3]) == 1 then
              if ordered then
                redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2])
              else
                redis.call('RPUSH', KEYS[1], ARGV[2])
              end
            end
            if redis.call('GET', KEYS[6]) == 'done' then
              local rest = redis.call('PTTL', KEYS[6])
              for _, key in ipairs({KEYS[1], KEYS[4]}) do redis.call('PEXPIRE', key, rest) end
              return {}
            end
            ready = redis.call(ordered and 'ZCARD' or 'LLEN', KEYS[1])
            local expiry, shape = tonumber(ARGV[4]), tonumber(ARGV[7])
            if expiry > 0 then
              for k = 1, 4 do redis.call('EXPIRE', KEYS[k], expiry) end
            else
              for _, key in ipairs({KEYS[1], KEYS[4]}) do redis.call('PERSIST', key) end
            end
            if shape > 0 then redis.call('EXPIRE', KEYS[5], shape) end
            local size, extra = redis.call('GET', KEYS[3]), redis.call('GET', KEYS[2])
            if not size or ready ~= tonumber(size) + tonumber(extra or 0) then return {} end
            local holder, rest = redis.call('GET', KEYS[6]), redis.call('PTTL', KEYS[6])
            if holder and holder ~= ARGV[6] and rest >= 0 then return rest end
            redis.call('SET', KEYS[6], ARGV[6], 'EX', ARGV[5])
            local parts = redis.call(ordered and 'ZRANGE' or 'LRANGE', KEYS[1], 0, -1)
            return {parts, redis.call('GET', KEYS[5])}
            """)

    /// Forgets a chord whose body was published, if the claim is still ours. Keys: the claim, and the keys to delete.
    /// Arguments: the token, how long to remember the chord.
    private static let close = RedisScript(
        name: "closeChord",
        source: """
            if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
            redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
            redis.call('SET', KEYS[1], 'done', 'EX', ARGV[2])
            return 1
            """)
}
#endif
