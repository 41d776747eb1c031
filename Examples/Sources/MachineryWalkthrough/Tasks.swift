import Celeriac

/// The tasks of the walkthrough, which producer and worker share.
enum Tasks {
    static let add = TaskDefinition<Variadic<Int>, Int>("add")
    static let multiply = TaskDefinition<Variadic<Int>, Int>("multiply")
    static let sumInts = TaskDefinition<[Int], Int>("sum_ints")
    static let sumFloats = TaskDefinition<[Double], Double>("sum_floats")
    static let concat = TaskDefinition<[String], String>("concat")
    static let split = TaskDefinition<String, [String]>("split")
    static let panicTask = TaskDefinition<Void>("panic_task")
    static let longRunningTask = TaskDefinition<Void>("long_running_task")
}
