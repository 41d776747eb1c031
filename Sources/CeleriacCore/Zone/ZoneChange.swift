public import struct FoundationEssentials.Date

/// A change of the clocks of a zone.
public struct ZoneChange: Sendable, Hashable {
    /// The first instant at which the new offset holds.
    public var instant: Date
    /// How far clocks were ahead of UTC before, in seconds.
    public var offsetBefore: Int
    /// How far clocks are ahead of UTC from then on, in seconds.
    public var offsetAfter: Int
}
