#if Redis
import CeleriacCore
import CeleriacRedis

/// The steps on kombu's keys that must be atomic.
enum KombuScripts {
    /// Claims messages: pops them and writes them into `unacked` and `unacked_index` in one step, so that no message
    /// ever exists only in a worker's memory.
    ///
    /// Keys: `unacked`, `unacked_index`, the worker's epoch, then for each priority step its lists: each queue's
    /// handover list and the list itself. Arguments: the largest number of messages, the score, the prefix of tags, the
    /// first serial, the number of lists per step, the epoch of this claim, how many bytes the messages may have
    /// together, then for each list the end of the stored array. Returns, for each message, the index of its list and the
    /// message; serials ascend.
    ///
    /// The script puts a message back that does not fit into the bytes any more, and those behind it, unless it is the first.
    /// Messages in a handover list that exceed the number go back to the front of their list. A key of another type
    /// must not end the script after it has popped something. So the script ends before that if it cannot write claims;
    /// it skips a key that is not a list, and reports it if it finds nothing else.
    static let claim = RedisScript(
        name: "claim",
        source: """
            local limit, score, prefix = tonumber(ARGV[1]), ARGV[2], ARGV[3]
            local serial, width, room = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[7])
            local found, claims, index, n, refusal = {}, {}, {}, 0, nil
            redis.call('HLEN', KEYS[1])
            redis.call('ZCARD', KEYS[2])
            if tonumber(redis.call('GET', KEYS[3]) or 0) > tonumber(ARGV[6]) then return {} end
            for first = 4, #KEYS, width do
              local more = true
              while more and n < limit and room > 0 do
                more = false
                local share = math.ceil((limit - n) / width)
                for k = first, first + width - 1 do
                  local popped = n < limit and room > 0 and redis.pcall('RPOP', KEYS[k], math.min(share, limit - n))
                  if popped and popped.err then
                    refusal = popped
                  elseif popped then
                    more = true
                    for i, message in ipairs(popped) do
                      room = room - #message
                      if room < 0 and n > 0 then
                        for j = #popped, i, -1 do redis.call('RPUSH', KEYS[k], popped[j]) end
                        break
                      end
                      local tag = prefix .. string.format('%.0f', serial + n)
                      n = n + 1
                      found[2 * n - 1], found[2 * n] = k - 4, message
                      claims[2 * n - 1], claims[2 * n] = tag, '[' .. message .. ARGV[k + 4]
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
            for k = 4, #KEYS, 2 do
              local moved
              repeat moved = redis.pcall('LMOVE', KEYS[k], KEYS[k + 1], 'LEFT', 'RIGHT') until type(moved) ~= 'string'
              if moved and moved.err then refusal = moved end
            end
            return n == 0 and refusal or found
            """)

    /// Ends a claim and pushes its replacement, only if the claim still stands. It pushes first, so that a key that is
    /// not a list ends the script while the claim still stands, and before that looks whether all are lists.
    ///
    /// Keys: `unacked`, `unacked_index`, the lists to push to. Arguments: the tag, `L` or `R`, the replacement. Returns
    /// 1 if the claim stood. It returns 0 if another worker has restored the message, which then belongs to that
    /// worker.
    static let replaceClaim = RedisScript(
        name: "replaceClaim",
        source: """
            local stands = redis.call('HEXISTS', KEYS[1], ARGV[1])
            if stands == 1 then
              for k = 4, #KEYS do redis.call('LLEN', KEYS[k]) end
              for k = 3, #KEYS do redis.call(ARGV[2] == 'L' and 'LPUSH' or 'RPUSH', KEYS[k], ARGV[3]) end
              redis.call('HDEL', KEYS[1], ARGV[1])
            end
            redis.call('ZREM', KEYS[2], ARGV[1])
            return stands
            """)

    /// Parks a message if its claim still stands, and forgets how often it was begun. It pushes first, like
    /// ``replaceClaim``.
    ///
    /// Keys: `unacked`, `unacked_index`, the list of parked messages, the counter of beginnings if there is one.
    /// Arguments: the tag, the record to keep. Returns 1 if the record is in the list, and 0 if the message belongs to
    /// another worker. The claim of a message whose parking is repeated, because the answer was lost, stands no more.
    static let park = RedisScript(
        name: "park",
        source: """
            local stands = redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1
            if stands then
              redis.call('LPUSH', KEYS[3], ARGV[2])
              redis.call('HDEL', KEYS[1], ARGV[1])
              if KEYS[4] then redis.call('DEL', KEYS[4]) end
            end
            redis.call('ZREM', KEYS[2], ARGV[1])
            return (stands or redis.call('LPOS', KEYS[3], ARGV[2])) and 1 or 0
            """)

    /// Adds a binding that may expire, and postpones the sweep of its exchange's table.
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

    /// Extends a lock if it is still ours. Keys: the lock. Arguments: our token, the new lifetime in milliseconds.
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

/// Commands on these keys.
extension KombuKeys {
    /// Declares a queue, as kombu does: its bindings.
    func declaration(of queue: TaskQueue) -> [RedisCommand] {
        !queue.isDeclared
            ? []
            : queue.bindings.flatMap { binding in
                let exchange = binding.exchange.name
                let member = bindingMember(
                    routingKey: binding.routingKey,
                    pattern: binding.exchange.type == "topic" ? TopicPattern.expression(of: binding.routingKey) : "",
                    queue: queue.name)
                return [
                    RedisCommand("SADD", self.binding(exchange), member),
                    RedisCommand("SADD", permanentBinding(exchange), member),
                ]
            }
    }

    /// Ends a claim, if it still stands, and pushes its replacement to the end `L` or `R` of lists.
    func replaceClaim(_ tag: String, by message: [UInt8], in lists: [String], end: String) -> RedisCommand {
        .evaluate(
            KombuScripts.replaceClaim, keys: [unacked, unackedIndex] + lists, arguments: [tag, end, message])
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
