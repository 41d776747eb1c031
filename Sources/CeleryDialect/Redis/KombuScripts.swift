#if Redis
import CeleriacRedis

/// The steps on kombu's keys that must happen at once.
enum KombuScripts {
    /// Claims messages: pops them and writes them into `unacked` and `unacked_index` in one step, so that no message ever
    /// exists in a worker's memory only.
    ///
    /// Keys: `unacked`, `unacked_index`, then for each priority step its lists: each queue's handover list and the list
    /// itself. Arguments: how many at most, score, prefix of tags, first serial, lists per step, then for each list what
    /// closes the stored array. Returns, for each message, the index of its list and the message; serials ascend.
    ///
    /// Messages in a handover list for which there is no room go back to the front of their list. A key of another type
    /// must not end the script once something is popped: where claims cannot be written it ends before, and a key that
    /// is no list is passed over, and reported when there is nothing else.
    static let claim = RedisScript(
        name: "claim",
        source: """
            local limit, score, prefix = tonumber(ARGV[1]), ARGV[2], ARGV[3]
            local serial, width = tonumber(ARGV[4]), tonumber(ARGV[5])
            local found, claims, index, n, refusal = {}, {}, {}, 0, nil
            redis.call('HLEN', KEYS[1])
            redis.call('ZCARD', KEYS[2])
            for first = 3, #KEYS, width do
              local more = true
              while more and n < limit do
                more = false
                local share = math.ceil((limit - n) / width)
                for k = first, first + width - 1 do
                  local popped = n < limit and redis.pcall('RPOP', KEYS[k], math.min(share, limit - n))
                  if popped and popped.err then
                    refusal = popped
                  elseif popped then
                    more = true
                    for _, message in ipairs(popped) do
                      local tag = prefix .. string.format('%.0f', serial + n)
                      n = n + 1
                      found[2 * n - 1], found[2 * n] = k - 3, message
                      claims[2 * n - 1], claims[2 * n] = tag, '[' .. message .. ARGV[k + 3]
                      index[2 * n - 1], index[2 * n] = score, tag
                    end
                  end
                end
              end
            end
            if n > 0 then
              redis.call('HSET', KEYS[1], unpack(claims))
              redis.call('ZADD', KEYS[2], unpack(index))
            end
            for k = 3, #KEYS, 2 do
              local moved
              repeat moved = redis.pcall('LMOVE', KEYS[k], KEYS[k + 1], 'LEFT', 'RIGHT') until type(moved) ~= 'string'
              if moved and moved.err then refusal = moved end
            end
            return n == 0 and refusal or found
            """)

    /// Ends a claim and pushes what takes its place, only if the claim still stands. It pushes first: a list that is none
    /// ends the script, and the claim stands.
    ///
    /// Keys: `unacked`, `unacked_index`, the list to push to. Arguments: tag, `L` or `R`, what to push. Returns 1 if the
    /// claim stood, else 0: somebody else restored the message, and it is theirs.
    static let replaceClaim = RedisScript(
        name: "replaceClaim",
        source: """
            local stands = redis.call('HEXISTS', KEYS[1], ARGV[1])
            if stands == 1 then
              redis.call(ARGV[2] == 'L' and 'LPUSH' or 'RPUSH', KEYS[3], ARGV[3])
              redis.call('HDEL', KEYS[1], ARGV[1])
            end
            redis.call('ZREM', KEYS[2], ARGV[1])
            return stands
            """)

    /// Enters a binding that may expire, and puts off the sweep of its exchange's table.
    ///
    /// Keys: the table, the deadlines. Arguments: the member, the exchange, the lifetime in milliseconds.
    static let bindExpiring = RedisScript(
        name: "bindExpiring",
        source: """
            redis.call('SADD', KEYS[1], ARGV[1])
            local time = redis.call('TIME')
            local deadline = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3]
            redis.call('ZADD', KEYS[2], 'GT', string.format('%.0f', deadline), ARGV[2])
            return 1
            """)

    /// Puts off the end of a lock if it is still ours. Keys: the lock. Arguments: our token, how long in milliseconds.
    static let renewLock = RedisScript(
        name: "renewLock",
        source: """
            if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
            return 0
            """)

    /// Deletes a lock if it is still ours. Keys: the lock. Arguments: our token.
    static let unlock = RedisScript(
        name: "unlock",
        source: """
            if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
            return 0
            """)
}

/// What is sent to Redis under these keys.
extension KombuKeys {
    /// Tells producers that a queue exists, as kombu declares it.
    func declaration(of queue: String) -> [RedisCommand] {
        let member = bindingMember(routingKey: queue, queue: queue)
        return [
            RedisCommand("SADD", binding(queue), member), RedisCommand("SADD", permanentBinding(queue), member),
        ]
    }

    /// Ends a claim, if it still stands, and pushes what takes its place to the end `L` or `R` of a list.
    func replaceClaim(_ tag: String, by message: [UInt8], in list: String, end: String) -> RedisCommand {
        .evaluate(KombuScripts.replaceClaim, keys: [unacked, unackedIndex, list], arguments: [tag, end, message])
    }

    /// The queues that get what is published to a direct or a topic exchange with a routing key.
    func queues(
        boundTo exchange: String, routingKey: String, client: RedisClient
    ) async throws(RedisError) -> [String] {
        let members = try await client.send(RedisCommand("SMEMBERS", binding(exchange))).array ?? []
        return members.compactMap { member in
            guard let parts = member.string?.split(separator: separator, omittingEmptySubsequences: false),
                parts.count == 3,
                RegularPattern.binding(of: String(parts[0]), String(parts[1]), matches: routingKey)
            else { return nil }
            return String(parts[2])
        }.sorted()
    }
}
#endif
