#if Redis
import CeleriacRedis

/// The steps on Machinery's keys that must be atomic. Keys 1 to 6 are those of ``InFlightKeys``.
enum MachineryScripts {
    /// Claims messages, those in the handover list first. Key 7 is the worker's epoch. Arguments: how many at most,
    /// time, prefix of tags, first serial, the epoch of this claim, how many bytes the messages may have together.
    /// Returns, for each message, the message and how often it was begun or requeued since it first came back, nil if it
    /// never did. The script puts a message back that does not fit into the bytes any more, and those behind it, unless it
    /// is the first. A key of another type ends it before anything is popped.
    static let claim = RedisScript(
        name: "claim",
        source: """
            local limit, serial, room = tonumber(ARGV[1]), tonumber(ARGV[4]), tonumber(ARGV[6])
            redis.call('LLEN', KEYS[1])
            redis.call('HLEN', KEYS[3])
            redis.call('ZCARD', KEYS[4])
            redis.call('HLEN', KEYS[5])
            if tonumber(redis.call('GET', KEYS[7]) or 0) > tonumber(ARGV[5]) then return {} end
            local found = redis.call('LPOP', KEYS[2], limit) or {}
            if #found < limit then
              for _, message in ipairs(redis.call('LPOP', KEYS[1], limit - #found) or {}) do
                found[#found + 1] = message
              end
            end
            if #found == 0 then return {} end
            local counted = redis.call('EXISTS', KEYS[5]) == 1
            local claims, index, answer = {}, {}, {}
            for i, message in ipairs(found) do
              room = room - #message
              if room < 0 and i > 1 then
                for j = #found, i, -1 do redis.call('LPUSH', KEYS[1], found[j]) end
                break
              end
              local tag = ARGV[3] .. string.format('%.0f', serial + i - 1)
              claims[2 * i - 1], claims[2 * i] = tag, message
              index[2 * i - 1], index[2 * i] = ARGV[2], tag
              local count = counted and redis.call('HGET', KEYS[5], redis.sha1hex(message))
              answer[2 * i - 1], answer[2 * i] = message, count and tonumber(count) or false
            end
            redis.call('HSET', KEYS[3], unpack(claims))
            redis.call('ZADD', KEYS[4], unpack(index))
            return answer
            """)

    /// Adds a beginning to the count of a message that has come back. Arguments: the claim's tag. A claim that no
    /// longer stands is somebody else's to count.
    static let countBeginning = RedisScript(
        name: "countBeginning",
        source: """
            local message = redis.call('HGET', KEYS[3], ARGV[1])
            if not message then return 0 end
            redis.call('HINCRBY', KEYS[5], redis.sha1hex(message), 1)
            redis.call('EXPIRE', KEYS[5], 86400)
            return 1
            """)

    /// Ends claims for good. Arguments: tags.
    static let acknowledge = RedisScript(
        name: "acknowledge",
        source: """
            if redis.call('EXISTS', KEYS[5]) == 1 then
              for _, message in ipairs(redis.call('HMGET', KEYS[3], unpack(ARGV))) do
                if message then redis.call('HDEL', KEYS[5], redis.sha1hex(message)) end
              end
            end
            redis.call('ZREM', KEYS[4], unpack(ARGV))
            return redis.call('HDEL', KEYS[3], unpack(ARGV))
            """)

    /// Puts messages back if their claims still stand. Arguments: `L` for the left end or `R` for the right end of the
    /// list, what to add to the messages' attempts, the tags in the order in which to push the messages. Returns the
    /// number of messages put back. It pushes first, so that a queue that is not a list ends the script while the claim
    /// still stands.
    static let putBack = RedisScript(
        name: "putBack",
        source: """
            local n = 0
            for i = 3, #ARGV do
              local message = redis.call('HGET', KEYS[3], ARGV[i])
              if message then
                redis.call(ARGV[1] == 'L' and 'LPUSH' or 'RPUSH', KEYS[1], message)
                redis.call('HDEL', KEYS[3], ARGV[i])
                if ARGV[2] ~= '0' then
                  redis.pcall('HINCRBY', KEYS[5], redis.sha1hex(message), ARGV[2])
                  redis.call('EXPIRE', KEYS[5], 86400)
                end
                n = n + 1
              end
              redis.call('ZREM', KEYS[4], ARGV[i])
            end
            return n
            """)

    /// Parks a message if its claim still stands. Arguments: the tag, the record to keep. Returns 1 if the record is in
    /// the list, and 0 if the message belongs to another worker. The claim of a message whose parking is repeated,
    /// because the answer was lost, stands no more.
    static let park = RedisScript(
        name: "park",
        source: """
            local message = redis.call('HGET', KEYS[3], ARGV[1])
            if message then
              redis.call('RPUSH', KEYS[6], ARGV[2])
              redis.call('HDEL', KEYS[3], ARGV[1])
              redis.pcall('HDEL', KEYS[5], redis.sha1hex(message))
            end
            redis.call('ZREM', KEYS[4], ARGV[1])
            return (message or redis.call('LPOS', KEYS[6], ARGV[2])) and 1 or 0
            """)

    /// Puts back messages whose claims were not renewed, newest first to the front, and notes that they have come back,
    /// which counts no attempt: they may never have begun. Arguments: the time before which a claim has expired, how
    /// many at most. Returns how many were.
    static let restore = RedisScript(
        name: "restore",
        source: """
            local tags = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
            for i = #tags, 1, -1 do
              local message = redis.call('HGET', KEYS[3], tags[i])
              if message then
                redis.call('LPUSH', KEYS[1], message)
                redis.call('HDEL', KEYS[3], tags[i])
                redis.pcall('HSETNX', KEYS[5], redis.sha1hex(message), 0)
                redis.call('EXPIRE', KEYS[5], 86400)
              end
              redis.call('ZREM', KEYS[4], tags[i])
            end
            return #tags
            """)

    /// Reads the queue of a delayed task as Go does, with the global name `default` for one that names none; not a text if
    /// the message is no task.
    private static let queueOfTask = """
        local function queueOf(message, default)
          local ok, task = pcall(cjson.decode, message)
          if not ok or type(task) ~= 'table' then return nil end
          local queue = task.RoutingKey
          if queue == nil then
            for key, value in pairs(task) do
              if type(key) == 'string' and string.lower(key) == 'routingkey' then queue = value end
            end
          end
          if queue == nil or queue == cjson.null or queue == '' then return default end
          return queue
        end

        """

    /// Moves tasks whose time has come to their queues. Keys: the delayed tasks, the default queue, the list for
    /// members that cannot be read. Arguments: the time in nanoseconds since 1970, the largest number of tasks, the end
    /// of a parked message. Returns the number of tasks moved.
    ///
    /// The script pushes the message unchanged. The move from the set to the queue is atomic.
    static let moveDue = RedisScript(
        name: "moveDue",
        source: queueOfTask + """
            local due = redis.call('ZRANGEBYSCORE', KEYS[1], 0, ARGV[1], 'LIMIT', 0, ARGV[2])
            for _, message in ipairs(due) do
              local queue = queueOf(message, KEYS[2])
              local pushed = type(queue) == 'string' and redis.pcall('RPUSH', queue, message)
              if type(pushed) ~= 'number' then
                redis.call('RPUSH', KEYS[3], '{"message":' .. cjson.encode(message) .. ARGV[3])
              end
              redis.call('ZREM', KEYS[1], message)
            end
            return #due
            """)

    /// Takes tasks whose time has come, in a cluster, where they lie in another slot than their queues: gives them a later
    /// time, so that nobody else moves them meanwhile. Parks what is no task. Keys: the delayed tasks, the list of parked
    /// ones. Arguments: the time in nanoseconds since 1970, the largest number of tasks, the later time, the default
    /// queue, the end of a parked message. Returns each task and its queue.
    static let takeDue = RedisScript(
        name: "takeDue",
        source: queueOfTask + """
            local answer = {}
            for _, message in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], 0, ARGV[1], 'LIMIT', 0, ARGV[2])) do
              local queue = queueOf(message, ARGV[4])
              if type(queue) == 'string' then
                redis.call('ZADD', KEYS[1], 'XX', ARGV[3], message)
                answer[#answer + 1] = message
                answer[#answer + 1] = queue
              else
                redis.call('RPUSH', KEYS[2], '{"message":' .. cjson.encode(message) .. ARGV[5])
                redis.call('ZREM', KEYS[1], message)
              end
            end
            return answer
            """)

    /// Pushes a delayed task, unless that was done before and could not be told. Keys: the queue, the mark of that.
    /// Arguments: the task, for how many seconds the mark stands. It pushes first, so that a queue that is not a list ends
    /// the script before there is a mark.
    static let pushDue = RedisScript(
        name: "pushDue",
        source: """
            if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
            redis.call('RPUSH', KEYS[1], ARGV[1])
            redis.call('SET', KEYS[2], '', 'EX', ARGV[2])
            return 1
            """)

    /// Removes delayed tasks that were pushed, or parks those that cannot be, unless another worker has taken them
    /// meanwhile. Keys: the delayed tasks, the list of parked ones. Arguments: the time that ``takeDue`` gave them, the
    /// end of a parked message or nothing, the tasks. Returns for each whether it was removed.
    static let endDue = RedisScript(
        name: "endDue",
        source: """
            local answer = {}
            for i = 3, #ARGV do
              local time = redis.call('ZSCORE', KEYS[1], ARGV[i])
              answer[i - 2] = 0
              if time and tonumber(time) == tonumber(ARGV[1]) then
                if ARGV[2] ~= '' then
                  redis.call('RPUSH', KEYS[2], '{"message":' .. cjson.encode(ARGV[i]) .. ARGV[2])
                end
                redis.call('ZREM', KEYS[1], ARGV[i])
                answer[i - 2] = 1
              end
            end
            return answer
            """)

    /// Deletes a lock if it is still ours: redsync's script, byte for byte. Keys: the lock. Arguments: our token.
    static let unlock = RedisScript(
        name: "unlock",
        source: """

            \tif redis.call("GET", KEYS[1]) == ARGV[1] then
            \t\treturn redis.call("DEL", KEYS[1])
            \telse
            \t\treturn 0
            \tend

            """)
}
#endif
