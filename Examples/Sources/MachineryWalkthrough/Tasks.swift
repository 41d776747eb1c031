import Celeriac

/// The tasks of the walkthrough: what producer and worker share.
enum Tasks {
    static let add = TaskName<Rest<Int>, Int>("add")
    static let multiply = TaskName<Rest<Int>, Int>("multiply")
    static let sumInts = TaskName<[Int], Int>("sum_ints")
    static let sumFloats = TaskName<[Double], Double>("sum_floats")
    static let concat = TaskName<[String], String>("concat")
    static let split = TaskName<String, [String]>("split")
    static let panicTask = TaskName<Void>("panic_task")
    static let longRunningTask = TaskName<Void>("long_running_task")
}
