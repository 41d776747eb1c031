#if Redis
/// How many messages a claim may ask for. The script takes messages out of their list before it sees how large they are, and
/// puts back those that do not fit into a reply: it must not move a great many large ones with each claim.
struct ClaimBound: Sendable {
    /// How many a claim may ask for at the most. A script's stack holds a few thousand values; each message takes two.
    static let longest = 1000

    /// How many the next claim may ask for.
    private(set) var count = ClaimBound.longest

    /// Notes a claim: after one of large messages the next may be no longer, after others it may be twice as long.
    ///
    /// - Parameters:
    ///   - claimed: how many messages it has brought.
    ///   - bytes: how many bytes they have together.
    ///   - maximum: how many bytes they might have had.
    mutating func note(_ claimed: Int, bytes: Int, of maximum: Int) {
        if claimed == 0 { return }
        count = bytes > maximum / 2 ? min(Self.longest, claimed) : min(Self.longest, 2 * count)
    }
}
#endif
