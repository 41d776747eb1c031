package import CeleriacCore

/// Which tasks of a route pass, and what they are at the other side. Exact names come first, then patterns in their
/// order.
package struct TaskTable: Sendable, Hashable {
    /// The rows.
    package var rules: [TaskRule]
    /// Whether tasks without a row pass, under their own names.
    package var passesOthers: Bool

    /// Makes a table. Without rows everything passes.
    package init(_ rules: [TaskRule] = [], passesOthers: Bool = true) {
        self.rules = rules
        self.passesOthers = passesOthers
    }

    /// Finds the row of a task.
    ///
    /// - Returns: the row, and the task's name at the other side.
    /// - Throws: ``MessageFault`` with the reason `unknownTask` for a task that must not pass.
    package func rule(for name: String) throws(MessageFault) -> (rule: TaskRule, target: String) {
        if let rule = rules.first(where: { $0.pattern.text == name }) { return (rule, rule.name(of: name, wild: "")) }
        for rule in rules {
            if let wild = rule.pattern.captured(in: name) { return (rule, rule.name(of: name, wild: wild)) }
        }
        guard passesOthers else {
            throw MessageFault(reason: "unknownTask", detail: "the route has no row for the task \(name)")
        }
        return (TaskRule(name), name)
    }
}

/// A row of a ``TaskTable``: a task or a pattern, and what it becomes.
package struct TaskRule: Sendable, Hashable {
    /// The name at the source, in which one `*` stands for any text.
    package var pattern: NamePattern
    /// The name at the target, in which `*` stands for the same text; nil for the same name.
    package var target: String?
    /// Go's types of the arguments, in order; nil for those that the values suggest.
    package var types: [String]?
    /// The names of the parameters, in order, for keyword arguments towards Go's positions; nil to refuse those.
    package var parameters: [String]?
    /// Go's types of the results, in order; nil for those that the values suggest.
    package var returns: [String]?
    /// Whether a reply is awaited. Where the target stores none, the bridge would wait for it in vain.
    package var hasReply: Bool

    /// Makes a row.
    package init(
        _ pattern: String, to target: String? = nil, types: [String]? = nil, parameters: [String]? = nil,
        returns: [String]? = nil, hasReply: Bool = true
    ) {
        self.pattern = NamePattern(pattern)
        self.target = target
        self.types = types
        self.parameters = parameters
        self.returns = returns
        self.hasReply = hasReply
    }

    /// A task's name at the target.
    func name(of task: String, wild: String) -> String {
        guard let target else { return task }
        guard let star = target.firstIndex(of: "*") else { return target }
        return String(target[..<star]) + wild + String(target[target.index(after: star)...])
    }
}

/// A name in which one `*` may stand for any text.
package struct NamePattern: Sendable, Hashable {
    /// The pattern as it was written.
    package let text: String
    private let prefix: String
    /// What follows the `*`; nil without one.
    private let suffix: String?

    /// Reads a pattern. A second `*` stands for itself.
    package init(_ text: String) {
        self.text = text
        if let star = text.firstIndex(of: "*") {
            prefix = String(text[..<star])
            suffix = String(text[text.index(after: star)...])
        } else {
            prefix = text
            suffix = nil
        }
    }

    /// What the `*` stands for in a name; nil if the name does not match.
    func captured(in name: String) -> String? {
        guard let suffix else { return name == text ? "" : nil }
        guard name.count >= prefix.count + suffix.count, name.hasPrefix(prefix), name.hasSuffix(suffix) else {
            return nil
        }
        return String(name.dropFirst(prefix.count).dropLast(suffix.count))
    }
}
