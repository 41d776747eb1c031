#if Redis
/// One search for the primary, as a value: the sentinels are asked in turn until one of them names it.
struct RedisSentinelRound: Sendable {
    /// What comes next.
    enum Step: Sendable {
        /// Send ``RedisSentinelRound/commands`` to a sentinel.
        case ask(RedisAddress)
        /// The search is over.
        case found(RedisAddress, by: RedisAddress)
        /// Nobody is left to ask.
        case failed(RedisError)
    }

    private struct Refusal: Sendable {
        let sentinel: RedisAddress
        let error: RedisError
    }

    private let primaryName: String
    private let minimumOthers: Int
    /// Those who have not answered yet. The first of them is being asked.
    private var left: ArraySlice<RedisAddress>
    private var refusals: [Refusal] = []

    init(_ sentinels: RedisSentinels) {
        primaryName = sentinels.primaryName
        minimumOthers = sentinels.minimumOthers
        left = sentinels.inTurn[...]
    }

    /// What each sentinel is asked.
    var commands: [RedisCommand] {
        var commands = [RedisCommand("SENTINEL", "GET-MASTER-ADDR-BY-NAME", primaryName)]
        if minimumOthers > 0 { commands.append(RedisCommand("SENTINEL", "MASTER", primaryName)) }
        return commands
    }

    /// What is to be done now.
    var step: Step {
        left.first.map { Step.ask($0) } ?? .failed(failure)
    }

    /// Takes what the sentinel that is being asked answered, or why it did not.
    mutating func take(_ answer: Result<[RedisValue], RedisError>) -> Step {
        guard let sentinel = left.popFirst() else { return step }
        do {
            return .found(try address(answer.get()), by: sentinel)
        } catch {
            refusals.append(Refusal(sentinel: sentinel, error: error))
            return step
        }
    }

    private func address(_ replies: [RedisValue]) throws(RedisError) -> RedisAddress {
        guard let reply = replies.first, !reply.isNull else {
            throw RedisError(.unknownPrimary, "It knows no primary '\(primaryName)'.")
        }
        if let error = replies.lazy.compactMap(\.error).first {
            throw RedisError(.server, "It refuses the question.", serverError: error)
        }
        guard let parts = reply.array, parts.count == 2, let host = parts[0].string, !host.isEmpty,
            let port = parts[1].int, 1...65_535 ~= port
        else {
            throw RedisError(.protocolViolation, "Its answer is not an address.")
        }
        if minimumOthers > 0 {
            let others = replies.last?.field("num-other-sentinels")?.int ?? 0
            guard others >= minimumOthers else {
                throw RedisError(
                    .connectFailed, "It sees \(others) other sentinels, and \(minimumOthers) are required.")
            }
        }
        return RedisAddress(host: host, port: port)
    }

    /// The error that tells what each of them said. Another search may succeed as soon as one of them may answer
    /// differently.
    private var failure: RedisError {
        let code = refusals.contains { $0.error.isOutOfReach } ? nil : refusals.first?.error.code
        let said = refusals.map { refusal in
            let server = refusal.error.serverError.map { " (\($0))" } ?? ""
            return " \(refusal.sentinel): \(refusal.error.message)\(server)"
        }
        return RedisError(
            code ?? .connectFailed, "No sentinel named the primary '\(primaryName)'.\(said.joined())",
            cause: refusals.first?.error.cause)
    }
}

extension RedisValue {
    /// The value after a name, in an array of names and values.
    package func field(_ name: String) -> RedisValue? {
        guard let fields = array else { return nil }
        for index in stride(from: 0, to: fields.count - 1, by: 2) where fields[index].string == name {
            return fields[index + 1]
        }
        return nil
    }
}
#endif
