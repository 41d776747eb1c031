/// The name of a claim: its consumer's prefix, and its serial.
package enum ClaimTag {
    /// The serial at the end of a name; 0 if there is none.
    package static func serial(of tag: String) -> UInt64 { tag.split(separator: ".").last.flatMap { UInt64($0) } ?? 0 }
}
