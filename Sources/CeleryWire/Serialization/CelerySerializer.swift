/// A serializer of kombu's registry, by the name that Celery's `task_serializer` and `accept_content` use.
public enum CelerySerializer: String, Sendable, Hashable, CaseIterable {
    /// JSON, the default.
    case json
    /// MessagePack: text as str, bytes as bin.
    case msgpack
    /// YAML, read without tags that make objects.
    case yaml
    /// Python's pickle. Known by name so that it can be refused by name; it is never read or written.
    case pickle

    /// The content type that messages carry.
    public var contentType: String {
        switch self {
        case .json: "application/json"
        case .msgpack: "application/x-msgpack"
        case .yaml: "application/x-yaml"
        case .pickle: "application/x-python-serialize"
        }
    }

    /// The content encoding that messages carry.
    public var contentEncoding: String {
        switch self {
        case .json, .yaml: "utf-8"
        case .msgpack, .pickle: "binary"
        }
    }

    /// The serializer of a content type; `nil` when kombu's registry has none of that exact name.
    public init?(contentType: String) {
        switch contentType {
        case "application/json": self = .json
        case "application/x-msgpack": self = .msgpack
        case "application/x-yaml": self = .yaml
        case "application/x-python-serialize": self = .pickle
        default: return nil
        }
    }
}
