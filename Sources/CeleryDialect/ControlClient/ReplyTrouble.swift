/// What replies have shown that a client's user should know, and that the replies themselves do not say.
package struct ReplyTrouble: Sendable, Equatable {
    /// How many reasons are kept.
    private static let most = 5

    /// The node names from which several replies came to one request.
    package private(set) var sharedNames: Set<String> = []
    /// How many replies to one request could not be read, at most.
    package private(set) var unreadableCount = 0
    /// Why, each reason once.
    package private(set) var reasons: [String] = []

    package init() {}

    /// Notes what the replies to a request have shown.
    ///
    /// - Parameters:
    ///   - sharedNames: the names from which several came.
    ///   - unreadable: for each reply that could not be read, why.
    package mutating func note(sharedNames: [String], unreadable: [String]) {
        self.sharedNames.formUnion(sharedNames)
        unreadableCount = max(unreadableCount, unreadable.count)
        for reason in unreadable where reasons.count < Self.most && !reasons.contains(reason) { reasons.append(reason) }
    }
}
