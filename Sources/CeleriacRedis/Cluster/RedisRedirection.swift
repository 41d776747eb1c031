#if Redis
internal import CeleriacCore
internal import NIOCore

/// What a node of a cluster says in place of doing a command. The command has done nothing then.
enum RedisRedirection: Sendable, Hashable {
    /// Another node serves the slot: `MOVED`.
    case moved(RedisSlot, RedisAddress)
    /// The slot is being moved, and another node has the key or would get it: `ASK`.
    case ask(RedisAddress)
    /// The keys of the command are in two places while their slot moves: `TRYAGAIN`.
    case wait
    /// Nobody serves the slot (`CLUSTERDOWN`), or this node does no more (`UNBLOCKED`, or none is there).
    case down

    /// Understands an error; nil if it is the answer to the command.
    ///
    /// - Parameters:
    ///   - error: The error.
    ///   - node: The node that said it.
    init?(_ error: RedisServerError, from node: RedisAddress) {
        switch error.code {
        case "MOVED", "ASK":
            let words = error.message.split(separator: " ")
            guard words.count > 1, let slot = Int(words[0]).flatMap({ RedisSlot(number: $0) }),
                // An IPv6 address stands there without brackets.
                let colon = words[1].lastIndex(of: ":"), let port = Int(words[1][words[1].index(after: colon)...]),
                let address = RedisAddress(host: String(words[1][..<colon]), port: port, toldBy: node)
            else { return nil }
            self = error.code == "MOVED" ? .moved(slot, address) : .ask(address)
        case "TRYAGAIN": self = .wait
        case "CLUSTERDOWN", "UNBLOCKED": self = .down
        default: return nil
        }
    }
}

/// How often, and how long, a command is sent again that no node does.
struct RedisRedirectPolicy: Sendable {
    /// What follows a redirection.
    enum Step: Sendable, Hashable {
        /// Send the command at once to the node that serves the slot.
        case resend
        /// Send it at once to this node, behind `ASKING`.
        case ask(RedisAddress)
        /// Send it to the node that serves the slot after a pause.
        case pause(Duration)
        /// Give the answer to the caller.
        case giveUp
    }

    /// How often a command is led on without a pause.
    static let maximumHops = 5
    /// How often it is sent in all.
    static let maximumTries = 200

    /// How often it was refused.
    private(set) var tries = 0
    private var hops = 0
    private var latest: NIODeadline?
    private var deadline: NIODeadline?
    private var backoff = Backoff(first: .milliseconds(10), maximum: .milliseconds(500))

    /// Decides what follows a redirection.
    ///
    /// - Parameters:
    ///   - redirection: What a node said.
    ///   - now: The time.
    ///   - patience: How long nobody need do the command.
    /// - Returns: What to do.
    mutating func next(after redirection: RedisRedirection, now: NIODeadline, patience: TimeAmount) -> Step {
        tries += 1
        if let latest, now - latest > patience {
            // The command was taken in between, and has blocked.
            deadline = nil
            hops = 0
            backoff.reset()
        }
        latest = now
        let end = deadline ?? now + patience
        deadline = end
        guard now < end, tries < Self.maximumTries else { return .giveUp }
        hops += 1
        switch redirection {
        case .moved where hops <= Self.maximumHops:
            return .resend
        case .ask(let address) where hops <= Self.maximumHops:
            return .ask(address)
        case .moved, .ask, .wait, .down:
            hops = 0
            return .pause(backoff.next())
        }
    }
}

extension RedisServerError {
    /// The error that tells a caller that no node did a command. The same command may succeed later.
    func after(_ policy: RedisRedirectPolicy, from node: RedisAddress) -> RedisServerError {
        let temporary = isTemporary ? code : "TRYAGAIN"
        let said = isTemporary ? message : "\(code) \(message)"
        return RedisServerError(
            code: temporary,
            message: "\(said) (no node of the cluster did the command in \(policy.tries) tries, \(node) last)")
    }
}
#endif
