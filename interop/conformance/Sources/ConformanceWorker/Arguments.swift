import Celeriac

/// A call's arguments, bound to parameters as in Python.
struct Arguments {
    private let task: String
    private var values: [String: WireValue] = [:]
    /// The arguments that no parameter received.
    private(set) var rest: [WireValue] = []

    /// Binds the arguments of a request.
    ///
    /// - Parameters:
    ///   - request: The call.
    ///   - required: The parameters that must be given.
    ///   - optional: The parameters that may be missing.
    ///   - takesRest: Whether further arguments are accepted, both positional and keyword.
    /// - Throws: `TaskFailure` with Python's `TypeError` if the arguments do not fit.
    init(
        _ request: TaskRequest, _ required: [String], optional: [String] = [], takesRest: Bool = false
    ) throws {
        task = request.name
        let names = required + optional
        for (index, value) in request.arguments.enumerated() {
            if index < names.count { values[names[index]] = value } else { rest.append(value) }
        }
        for (name, value) in request.keywordArguments {
            guard names.contains(name) else {
                if takesRest { continue }
                throw TaskFailure("TypeError", "\(task)() got an unexpected keyword argument '\(name)'")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw TaskFailure("TypeError", "\(task)() got multiple values for argument '\(name)'")
            }
        }
        if !rest.isEmpty, !takesRest {
            throw TaskFailure("TypeError", "\(task)() takes \(names.count) positional arguments")
        }
        if let missing = required.first(where: { values[$0] == nil }) {
            throw TaskFailure("TypeError", "\(task)() missing 1 required positional argument: '\(missing)'")
        }
    }

    /// The value of a parameter; null if it is missing.
    subscript(name: String) -> WireValue { values[name] ?? .null }

    /// The numbers in a list.
    func numbers(_ name: String) throws -> [WireValue] {
        guard let list = self[name].arrayValue else {
            throw TaskFailure("TypeError", "'\(name)' is not iterable")
        }
        return list
    }
}
