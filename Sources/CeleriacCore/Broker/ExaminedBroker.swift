package import struct FoundationEssentials.Date

/// What a broker's server says of itself, for an examination.
package struct BrokerFacts: Sendable, Hashable {
    /// Something that the user may not do.
    package struct Refusal: Sendable, Hashable {
        /// What was tried, for a person.
        package let what: String
        /// The server's words.
        package let why: String

        package init(what: String, why: String) {
            self.what = what
            self.why = why
        }
    }

    /// The server's software, for instance `Redis`.
    package let software: String
    /// The software's version; empty if the server does not say.
    package var version = ""
    /// How many seconds an answer takes.
    package var roundTrip = 0.0
    /// By how many seconds the server's clock is ahead of this host's; nil where the server tells no time.
    package var clockOffset: Double?
    /// What else it says, by the server's own names.
    package var properties: [String: String] = [:]
    /// Why it takes no messages at the moment; nil if it does.
    package var blocked: String?
    /// What the user may not do.
    package var refusals: [Refusal] = []
    /// How many claims have expired that nobody has put back; nil where there are no claims.
    package var expiredClaims: Int?

    package init(software: String) { self.software = software }
}

/// A broker whose server can be examined. It leaves nothing behind.
package protocol ExaminedBroker: MessageBroker {
    /// Asks the server what it is, and tries what workers need the rights for, in ways that change nothing.
    ///
    /// - Parameters:
    ///   - queue: a queue of the application's, in whose place something is tried.
    ///   - now: tells the time.
    /// - Returns: what is found.
    /// - Throws: ``CeleriacError`` with code `unavailable`, or the broker's error.
    func examine(queue: String, now: @Sendable () -> Date) async throws -> BrokerFacts
}
