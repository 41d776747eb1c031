public import CeleriacWire

/// A named parameter of a task, with an optional default. Keyword arguments are matched by its name.
///
/// A string literal is a parameter without a default:
///
/// ```swift
/// TaskDefinition<String, Int, String>("images.resize", parameters: "path", .init("width", default: 100))
/// ```
public struct TaskParameter: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The name, as Python callers write it.
    public var name: String
    /// The value for callers that do not give one; nil if they must.
    public var defaultValue: WireValue?

    /// Makes a parameter. Callers may leave it out if it has a default.
    public init(_ name: String, default defaultValue: WireValue? = nil) {
        self.name = name
        self.defaultValue = defaultValue
    }

    /// Makes a parameter without a default.
    public init(stringLiteral value: String) { self.init(value) }
}

/// The parameters of a task: their kinds by type, their names and defaults.
struct TaskShape: Sendable {
    let kinds: [ArgumentKind]
    let parameters: [TaskParameter]

    /// The name of a parameter in quotes, or its number counted from 1 where it has no name.
    func place(of index: Int) -> String {
        index < parameters.count ? "'\(parameters[index].name)'" : String(index + 1)
    }
}

/// How an argument type takes its values.
enum ArgumentKind: Sendable {
    case single, optional, rest, keywordRest

    init(_ type: any Any.Type) {
        switch type {
        case is any RestArgument.Type: self = .rest
        case is any KeywordRestArgument.Type: self = .keywordRest
        case is any OptionalArgument.Type: self = .optional
        default: self = .single
        }
    }
}

private protocol RestArgument {}
private protocol KeywordRestArgument {}
private protocol OptionalArgument {}
extension Variadic: RestArgument {}
extension VariadicKeywords: KeywordRestArgument {}
extension Optional: OptionalArgument {}
