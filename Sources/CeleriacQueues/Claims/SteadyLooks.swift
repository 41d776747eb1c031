import CeleriacCore

package import struct FoundationEssentials.Date

/// Whether a worker may take claims that nobody has renewed for those of workers that have died.
///
/// A server that stood still or was away has heard of no renewals meanwhile, and the claims of living workers look
/// expired as well. Those workers renew their claims four times in a claim's lifetime, so they have done so by the second
/// look after the server is back. A worker therefore restores claims only if the server answered at once, this time and
/// the time before.
package struct SteadyLooks: Sendable {
    /// How many seconds an answer may take. A server that was silent for so long that claims seem to have expired, while
    /// looks come twice in a claim's lifetime, has kept one look waiting for longer than this.
    private let promptness: Double
    private var begun: Date?
    private var wasPrompt = true

    /// Creates the looks of a worker that has just reached the server.
    package init(claimLifetime: Duration) { promptness = claimLifetime.seconds / 4 }

    /// Begins a look.
    ///
    /// - Returns: whether to look; false while the server has not answered the look before.
    package mutating func begin(at now: Date) -> Bool {
        if begun != nil { return false }
        begun = now
        return true
    }

    /// Ends a look.
    ///
    /// - Returns: whether what the look finds expired may be restored.
    package mutating func end(at now: Date, hasAnswered: Bool) -> Bool {
        guard let begun else { return false }
        self.begun = nil
        let isPrompt = hasAnswered && now.timeIntervalSince(begun) <= promptness
        defer { wasPrompt = isPrompt }
        return isPrompt && wasPrompt
    }
}
