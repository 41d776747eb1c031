#if Redis
/// Commands that end claims for good, or put back what was claimed.
package struct ClaimEnding: Sendable {
    /// The claims, by the numbers that their consumer gave them.
    package let serials: [UInt64]
    /// What ends them. Claims name their tags, so that ending one twice does no harm.
    package let commands: [RedisCommand]

    /// Makes an ending.
    package init(_ serials: [UInt64], _ commands: [RedisCommand]) {
        self.serials = serials
        self.commands = commands
    }
}
#endif
