import CeleriacWire

/// A task's name with the types of its arguments and of its result: what a producer and a worker share.
///
/// The last type is the result's; `Void` for a task that returns nothing.
///
/// ```swift
/// enum Tasks {
///     static let add = TaskDefinition<Int, Int, Int>("tasks.add")
///     static let resize = TaskDefinition<String, Int, String>("images.resize", parameters: "path", "width")
/// }
/// ```
public struct TaskDefinition<each Argument: Codable & Sendable, Result: Sendable>: Sendable {
    /// The name on the wire, for instance `tasks.add`.
    public let name: String
    let shape: TaskShape
    let resultCoding: ResultCoding<Result>
    /// How the task is sent, unless a signature says otherwise.
    public private(set) var options = SendOptions()

    /// Names a task.
    ///
    /// - Parameters:
    ///   - name: the name on the wire. In Python it consists of the names of the module and the function, unless the
    ///     task sets another.
    ///   - parameters: the parameters' names in order. They are needed if callers pass keyword arguments.
    public init(_ name: String, parameters: TaskParameter...) where Result: Codable {
        self.init(name, parameters: parameters, resultCoding: .codable)
    }

    /// Names a task that returns nothing (`None` in Python).
    public init(_ name: String, parameters: TaskParameter...) where Result == Void {
        self.init(name, parameters: parameters, resultCoding: .void)
    }

    private init(_ name: String, parameters: [TaskParameter], resultCoding: ResultCoding<Result>) {
        var kinds: [ArgumentKind] = []
        for type in repeat (each Argument).self {
            kinds.append(ArgumentKind(type))
        }
        self.name = name
        self.shape = TaskShape(kinds: kinds, parameters: parameters)
        self.resultCoding = resultCoding
    }

    /// Returns this task with options for sending it, which a signature may override: Celery's task attributes `queue`,
    /// `priority`, `expires`, `serializer` and so on.
    ///
    /// ```swift
    /// static let resize = TaskDefinition<String, Int, String>("images.resize").with(SendOptions(queue: "images"))
    /// ```
    public func with(_ options: SendOptions) -> TaskDefinition {
        var copy = self
        copy.options = self.options.overridden(by: options)
        return copy
    }

    /// Makes a signature of the task that sends its arguments as positional arguments.
    public func callAsFunction(_ argument: repeat each Argument) -> Signature<Result> {
        let shape = shape
        return Signature(task: name, resultCoding: resultCoding) { encoder in
            var collector = ArgumentCollector(shape: shape, encoder: encoder, byKeyword: false)
            repeat try collector.add(each argument)
            return collector.encoded
        }.with(options)
    }

    /// Makes a signature of the task that sends the arguments of named parameters as keyword arguments.
    public func keywords(_ argument: repeat each Argument) -> Signature<Result> {
        let shape = shape
        return Signature(task: name, resultCoding: resultCoding) { encoder in
            var collector = ArgumentCollector(shape: shape, encoder: encoder, byKeyword: true)
            repeat try collector.add(each argument)
            return collector.encoded
        }.with(options)
    }
}
