/// The form of a message's body, by the name that Celery uses for it.
public struct Serializer: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
    /// The name.
    public var rawValue: String

    /// A serializer by its name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// JSON, what every worker accepts.
    public static let json = Serializer(rawValue: "json")
    /// MessagePack. A Celery worker accepts it only if its `accept_content` names it.
    public static let msgpack = Serializer(rawValue: "msgpack")
    /// YAML. A Celery worker accepts it only if its `accept_content` names it.
    public static let yaml = Serializer(rawValue: "yaml")

    /// The name.
    public var description: String { rawValue }
}
