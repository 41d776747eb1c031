import CeleriacCore
import Foundation

/// Judges what a broker's server says of itself.
enum ServerExamination {
    /// By how many seconds clocks may differ before ETAs and expiry are wrong in a way that shows.
    static let tolerableSkew = 2.0

    private static let rightsAdvice =
        "grant it; the documentation lists rights and keys on its pages on security and on Redis"

    /// What is to be said of a broker or a result store that has not done what it was asked.
    ///
    /// - Parameters:
    ///   - subject: what was asked.
    ///   - error: its error.
    /// - Returns: the finding, and whether it was reached at all.
    static func failure(_ subject: String, _ error: any Error) -> (finding: Finding, isReached: Bool) {
        let text = FailureText.of(error)
        var cause: any Error = error
        while let next = (cause as? CeleriacError)?.cause { cause = next }
        let transport = cause as? any TransportError
        let (what, advice) = parts(of: text)
        if transport?.isLackOfRight == true { return (.problem("rights", text, rightsAdvice), true) }
        if transport?.isRefusedLogin == true {
            return (
                .problem(
                    subject, what,
                    "correct the user and the password; at RabbitMQ also the virtual host, in which the user needs rights"
                ), true
            )
        }
        return (.problem(subject, what, advice ?? "see that it runs, and that host and port are right"), false)
    }

    /// A failure's text in two parts, since what to do stands once, and as advice. The server's own words, which come last
    /// in parentheses, stay with what has happened.
    private static func parts(of text: String) -> (what: String, advice: String?) {
        guard let remedy = text.range(of: ": check ") else { return (text, nil) }
        let rest = text[remedy.upperBound...]
        let answer = rest.range(of: ". (")
        let advice = rest[..<(answer?.lowerBound ?? rest.endIndex)]
            .trimmingCharacters(in: CharacterSet(charactersIn: "."))
        let words = answer.map { " (\(rest[$0.upperBound...])" } ?? ""
        return ("\(text[..<remedy.lowerBound])\(words)", "check \(advice)")
    }

    /// What is to be said of a server.
    static func findings(_ facts: BrokerFacts) -> [Finding] {
        var findings = [version(facts)]
        let milliseconds = String(format: "%.1f", facts.roundTrip * 1000)
        findings.append(
            facts.roundTrip < 0.05
                ? .ok("network", "an answer takes \(milliseconds) ms")
                : .warning(
                    "network", "an answer takes \(milliseconds) ms",
                    "each task costs several: bring workers nearer to the broker"))
        if let offset = facts.clockOffset { findings.append(clock("the server's clock", offset)) }
        if let reason = facts.blocked {
            findings.append(
                .problem(
                    "server", "it takes no messages: \(reason)",
                    "free memory or disk at the broker; publishers wait meanwhile"))
        }
        findings += facts.refusals.map { refusal -> Finding in
            .problem("rights", "the user may not \(refusal.what): \(refusal.why)", rightsAdvice)
        }
        if facts.refusals.isEmpty { findings.append(.ok("rights", "the user may do what workers do")) }
        if facts.software == "Redis" { findings += redis(facts) }
        return findings
    }

    /// What is to be said of a clock that is ahead of this one by some seconds.
    static func clock(_ whose: String, _ offset: Double) -> Finding {
        let seconds = String(format: "%.1f", abs(offset))
        if abs(offset) <= tolerableSkew {
            return .ok("clocks", "\(whose) differs from this one by \(seconds) s")
        }
        let text = "\(whose) is \(seconds) s \(offset > 0 ? "ahead of" : "behind") this one"
        let advice = "synchronize the hosts (NTP): ETAs, expiry and visibility timeouts are compared across them"
        return abs(offset) > 15 ? .problem("clocks", text, advice) : .warning("clocks", text, advice)
    }

    private static func version(_ facts: BrokerFacts) -> Finding {
        let numbers = facts.version.split(separator: ".").map { Int($0.prefix(while: \.isNumber)) ?? 0 }
        let text = "\(facts.software) \(facts.version.isEmpty ? "of an unknown version" : facts.version)"
        if facts.software == "Redis", numbers.lexicographicallyPrecedes([6, 2]), !numbers.isEmpty {
            return .problem("server", text, "Swift workers need Redis 6.2 or later (BLMOVE)")
        }
        if facts.software == "RabbitMQ", numbers.lexicographicallyPrecedes([3, 8]), !numbers.isEmpty {
            return .warning("server", text, "quorum queues and confirms want RabbitMQ 3.8 or later")
        }
        return .ok("server", text)
    }

    private static func redis(_ facts: BrokerFacts) -> [Finding] {
        let properties = facts.properties
        var findings: [Finding] = []
        if properties["role"] == "slave" {
            findings.append(.problem("server", "it is a replica, which takes no tasks", "connect to the primary"))
        }
        if properties["cluster_enabled"] == "1" {
            findings.append(
                // Whoever gets here has keys in one slot: without, connecting is refused.
                .note(
                    "server", "it is a node of a Redis Cluster",
                    "workers in Python know no clusters: their URL has to name the node that serves the keys' slot"))
        }
        if let policy = properties["maxmemory_policy"], policy != "noeviction" {
            findings.append(
                .problem(
                    "memory", "under pressure it deletes keys (maxmemory-policy \(policy)): tasks may vanish",
                    "set maxmemory-policy noeviction"))
        }
        if let used = properties["used_memory"].flatMap({ Double($0) }),
            let limit = properties["maxmemory"].flatMap({ Double($0) }), limit > 0, used > 0.9 * limit
        {
            findings.append(
                .warning(
                    "memory", "it uses \(Int(min(used / limit * 100, 1e9))) % of its memory",
                    "raise maxmemory, or see which queues grow: queues"))
        }
        if properties["aof_enabled"] == "0", properties["rdb_last_save_time"] != nil {
            findings.append(
                .note(
                    "persistence", "there is no append-only file: a crash loses the tasks since the last snapshot",
                    "set appendonly yes if that matters"))
        }
        if let expired = facts.expiredClaims, expired > 0 {
            findings.append(
                .warning(
                    "claims", "\(expired) messages are held for longer than the visibility timeout",
                    "any worker of this database puts them back: see that one runs, with the same visibility_timeout"))
        }
        return findings
    }
}
