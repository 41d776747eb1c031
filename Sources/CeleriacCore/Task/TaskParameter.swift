public import CeleriacWire

/// A named parameter of a task, by which keyword arguments find their place, with a default if it has one.
///
/// A string literal is a parameter without default:
///
/// ```swift
/// TaskName<String, Int, String>("images.resize", parameters: "path", .init("width", default: 100))
/// ```
public struct TaskParameter: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The name, as Python callers write it.
    public var name: String
    /// What is bound where a caller gives nothing.
    public var defaultValue: WireValue?

    /// A parameter that a caller may leave out if it has a default.
    public init(_ name: String, default defaultValue: WireValue? = nil) {
        self.name = name
        self.defaultValue = defaultValue
    }

    /// A parameter without default.
    public init(stringLiteral value: String) { self.init(value) }
}
