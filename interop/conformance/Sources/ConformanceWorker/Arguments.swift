import Celeriac

/// A call's arguments, bound to parameters as Python binds them.
struct Arguments {
    private let task: String
    private var values: [String: WireValue] = [:]
    /// What no parameter took.
    private(set) var rest: [WireValue] = []

    /// Binds the arguments of a request.
    ///
    /// - Parameters:
    ///   - request: The call.
    ///   - required: parameters that must be given.
    ///   - optional: parameters that may be missing.
    ///   - takesRest: whether further arguments are taken, positional ones and others.
    /// - Throws: `TaskFailure` with Python's `TypeError` for arguments that do not fit.
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

    /// The value of a parameter; null where it is missing.
    subscript(name: String) -> WireValue { values[name] ?? .null }

    /// The numbers of a list.
    func numbers(_ name: String) throws -> [WireValue] {
        guard let list = self[name].arrayValue else {
            throw TaskFailure("TypeError", "'\(name)' is not iterable")
        }
        return list
    }
}
