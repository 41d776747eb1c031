import CeleriacCore
import CeleriacWire

/// The arguments of a task of Celery's own, by position or by name.
struct BuiltInArguments {
    private let request: TaskRequest
    private let parameters: [String]

    init(_ request: TaskRequest, _ parameters: String...) {
        self.request = request
        self.parameters = parameters
    }

    /// An argument; nil where it is absent or null.
    subscript(_ name: String) -> WireValue? {
        let position = parameters.firstIndex(of: name) ?? request.arguments.endIndex
        let value =
            request.arguments.indices.contains(position)
            ? request.arguments[position] : request.keywordArguments[name]
        return value?.isNull == true ? nil : value
    }

    /// An argument that must be there.
    func required(_ name: String) throws(TaskFailure) -> WireValue {
        guard let value = self[name] else { throw error("missing required argument: '\(name)'") }
        return value
    }

    /// A list that must be there.
    func list(_ name: String) throws(TaskFailure) -> [WireValue] {
        guard let values = try required(name).arrayValue else { throw error("argument '\(name)' is no list") }
        return values
    }

    /// A list, or none.
    func optionalList(_ name: String) throws(TaskFailure) -> [WireValue] {
        self[name] == nil ? [] : try list(name)
    }

    /// A number, or none.
    func number(_ name: String) throws(TaskFailure) -> Double? {
        guard let value = self[name] else { return nil }
        guard let number = value.doubleValue, number.isFinite else { throw error("argument '\(name)' is no number") }
        return number
    }

    /// What Python raises for a call that does not fit.
    func error(_ text: String) -> TaskFailure { TaskFailure("TypeError", "\(request.name)() \(text)") }
}
