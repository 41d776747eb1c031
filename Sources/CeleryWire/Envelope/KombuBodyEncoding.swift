/// How the body stands in a kombu envelope: its property `body_encoding`.
public enum KombuBodyEncoding: Sendable, Hashable {
    /// As base64; kombu's default.
    case base64
    /// As the text that it is. On the wire an absent or null property, or `utf-8`.
    case text
}
