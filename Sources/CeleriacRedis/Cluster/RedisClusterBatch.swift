#if Redis

/// A pipeline taken apart for a cluster, and the replies to it put together.
///
/// What must stay together is one part: a transaction, or a command with all its keys. A command whose keys lie in
/// several slots, and that treats each by itself, becomes several parts. It does no I/O.
struct RedisClusterBatch {
    /// Commands that one node does.
    struct Part {
        /// The commands, in order.
        let commands: [RedisCommand]
        /// Where their keys lie; nil if any node will do.
        fileprivate(set) var slot: RedisSlot?
        fileprivate let place: Place
    }

    /// Where the replies to a part belong.
    fileprivate enum Place {
        /// They are replies of the pipeline, from this one on.
        case replies(from: Int)
        /// The reply is an array, whose elements are those of a reply of the pipeline.
        case elements(of: Int, [Int], total: Int)
        /// The reply is a number, and that of the pipeline the sum.
        case sum(of: Int)
    }

    /// The parts, in the order of the pipeline.
    private(set) var parts: [Part] = []
    private var replies: [RedisValue?]

    /// Takes a pipeline apart.
    init(_ commands: [RedisCommand]) {
        replies = Array(repeating: nil, count: commands.count)
        var index = 0
        while index < commands.count {
            guard commands[index].name == "MULTI" else {
                parts += Self.parts(of: commands[index], at: index)
                index += 1
                continue
            }
            let end = commands[index...].firstIndex { $0.name == "EXEC" } ?? commands.count - 1
            let members = Array(commands[index...end])
            let slot = members.lazy.compactMap(\.keys.first).first.map { RedisSlot(ofKey: $0) }
            parts.append(Part(commands: members, slot: slot, place: .replies(from: index)))
            index = end + 1
        }
        // What has no key goes with its neighbour, so that the order stays where all keys lie in one slot.
        var slot = parts.lazy.compactMap(\.slot).first
        for index in parts.indices {
            if let own = parts[index].slot { slot = own } else { parts[index].slot = slot }
        }
    }

    /// The pipeline's replies, once there is one for each part.
    var finished: [RedisValue] { replies.map { $0 ?? .null } }

    /// Takes the replies to a part: one for each of its commands.
    mutating func take(_ answer: ArraySlice<RedisValue>, for part: Int) {
        guard parts.indices.contains(part) else { return }
        switch parts[part].place {
        case .replies(let first):
            for (offset, reply) in answer.enumerated() where replies.indices.contains(first + offset) {
                replies[first + offset] = reply
            }
        case .elements(let index, let positions, let total):
            merge(answer.first ?? .null, into: index) { sofar, reply in
                var elements = sofar?.array ?? Array(repeating: .null, count: total)
                for (position, element) in zip(positions, reply.array ?? []) { elements[position] = element }
                return .array(elements)
            }
        case .sum(let index):
            merge(answer.first ?? .null, into: index) { sofar, reply in
                .integer(Int64((sofar?.int ?? 0) &+ (reply.int ?? 0)))
            }
        }
    }

    /// Adds a reply to those of the command's other parts. An error goes before all else.
    private mutating func merge(
        _ reply: RedisValue, into index: Int, _ join: (RedisValue?, RedisValue) -> RedisValue
    ) {
        guard replies.indices.contains(index), replies[index]?.error == nil else { return }
        replies[index] = reply.error == nil ? join(replies[index], reply) : reply
    }

    private static func parts(of command: RedisCommand, at index: Int) -> [Part] {
        let keys = command.keys
        let whole = Part(
            commands: [command], slot: keys.first.map { RedisSlot(ofKey: $0) }, place: .replies(from: index))
        let name = command.name
        let isDivisible = command.script.map { $0.argumentsPerKey != nil } ?? Self.divisible.contains(name)
        guard keys.count > 1, isDivisible else { return [whole] }
        let bySlot = Dictionary(grouping: keys.indices) { RedisSlot(ofKey: keys[$0]) }
        guard bySlot.count > 1 else { return [whole] }
        let arguments = command.script == nil ? [] : command.scriptArguments
        return bySlot.sorted { ($0.value.first ?? 0) < ($1.value.first ?? 0) }.map { slot, positions in
            let own = positions.map { keys[$0] }
            guard let script = command.script, let width = script.argumentsPerKey else {
                return Part(
                    commands: [RedisCommand(name, arguments: own)], slot: slot,
                    place: name == "MGET"
                        ? .elements(of: index, positions, total: keys.count) : .sum(of: index))
            }
            let theirs = positions.flatMap { arguments.dropFirst($0 * width).prefix(width) }
            return Part(
                commands: [.evaluate(script, keys: own, arguments: theirs)], slot: slot, place: .sum(of: index))
        }
    }

    private static let divisible: Set<String> = ["DEL", "EXISTS", "MGET", "TOUCH", "UNLINK"]
}
#endif
