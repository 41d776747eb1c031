public import CeleriacCore
import CeleriacWire
import CeleryWire

extension TaskDefinition where Result: Codable {
    /// Makes one task that runs this one for each tuple of arguments, one after another, at one worker: Celery's
    /// `starmap`.
    ///
    /// ```swift
    /// let sums = try await celery.send(Tasks.add.starmap([(1, 2), (3, 4)])).get()     // [3, 7]
    /// ```
    public func starmap(_ items: [(repeat each Argument)]) -> Signature<[Result]> {
        let task = self
        return Signature(celery: "celery.starmap", running: name) { encoder in
            try items.map { .array(try task(repeat each $0).positionalArguments(encoder)) }
        }.with(options)
    }

    /// Cuts the items into parts, and runs each by a ``starmap(_:)`` of its own, side by side: Celery's `chunks`.
    ///
    /// - Parameters:
    ///   - items: The arguments of each run.
    ///   - size: The number of items in a part. A size below 1 counts as 1.
    /// - Returns: A group with a task for each part.
    public func chunks(_ items: [(repeat each Argument)], of size: Int) -> GroupSignature<[Result]> {
        let size = max(1, size)
        return GroupSignature(
            stride(from: 0, to: items.count, by: size).map { start in
                starmap(Array(items[start..<min(start + size, items.count)]))
            })
    }
}

/// Makes one task that runs another for each item, one after another, at one worker: Celery's `map`.
public func map<Item: Codable & Sendable, Result: Codable & Sendable>(
    _ task: TaskDefinition<Item, Result>, over items: [Item]
) -> Signature<[Result]> {
    Signature(celery: "celery.map", running: task.name) { encoder in
        try items.map { item in
            let arguments = try task(item).positionalArguments(encoder)
            guard let argument = arguments.first, arguments.count == 1 else {
                throw CeleriacError(.argumentMismatch, "celery.map passes one argument an item: use starmap")
            }
            return argument
        }
    }.with(task.options)
}

extension Signature where Result: Codable {
    fileprivate init(
        celery name: String, running task: String, items: @escaping @Sendable (WireEncoder) throws -> [WireValue]
    ) {
        self.init(
            name, keywordArguments: { ["task": CelerySignature(task: task).encode(), "it": .array(try items($0))] })
    }
}
