#if Redis
import CeleriacRedis

/// The claims whose messages a consumer has let go of, since Redis has them: what it takes to renew such a claim, to read
/// its message and to give it back. There may be a million of them.
struct KeptClaims: Sendable {
    /// One such claim.
    struct Claim: Sendable {
        /// The list that held the message.
        let list: RedisQueueList
        /// How often the message was begun, or -1 if the claim script did not say so.
        private let count: Int32
        /// How many bytes the message has.
        let size: UInt32

        init(_ claim: RedisClaim) {
            list = claim.list
            size = UInt32(clamping: claim.payload.count)
            count = claim.attempts.map { Int32(clamping: max(0, $0)) } ?? -1
        }

        /// ``RedisClaim/attempts``.
        var attempts: Int? { count < 0 ? nil : Int(count) }
    }

    /// How many messages are read by one command, and how many bytes of them: a reply has a limit.
    static let longestPortion = 250
    static let largestPortion = RedisConfiguration.largestPortion

    private var claims: [UInt64: Claim] = [:]

    /// How many there are.
    var count: Int { claims.count }

    /// Their serials, in no particular order.
    var serials: some Sequence<UInt64> { claims.keys }

    subscript(serial: UInt64) -> Claim? { claims[serial] }

    /// How many claims at the end of these are to be read by one command.
    func portion(atEndOf serials: ArraySlice<UInt64>) -> Int {
        var (count, size) = (0, 0)
        while count < min(serials.count, Self.longestPortion) {
            size += Int(claims[serials[serials.endIndex - 1 - count]]?.size ?? 0)
            if count > 0, size > Self.largestPortion { break }
            count += 1
        }
        return count
    }

    /// Adds a claim.
    mutating func keep(_ claim: RedisClaim) { claims[claim.serial] = Claim(claim) }

    /// Removes a claim.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    mutating func remove(_ serial: UInt64) -> Bool {
        guard !claims.isEmpty, claims.removeValue(forKey: serial) != nil else { return false }
        // The table of a great many does not shrink by itself.
        if claims.isEmpty { claims = [:] }
        return true
    }
}
#endif
