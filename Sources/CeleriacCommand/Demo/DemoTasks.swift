import Celeriac

/// The tasks of `celeriac demo`, which both languages know by these names.
enum DemoTasks {
    static let add = TaskName<Rest<Int>, Int>("demo.add")
    static let multiply = TaskName<Rest<Int>, Int>("demo.multiply")
    static let sumInts = TaskName<[Int], Int>("demo.sum_ints")
    static let sumFloats = TaskName<[Double], Double>("demo.sum_floats")
    static let concat = TaskName<[String], String>("demo.concat")
    static let split = TaskName<String, [String]>("demo.split")
    static let panic = TaskName<Void>("demo.panic_task")
    static let longRunning = TaskName<Double, Void>("demo.long_running_task")

    @TaskHandlerBuilder static var handlers: [TaskHandler] {
        add.handled { $0.elements.reduce(0, +) }
        multiply.handled { $0.elements.reduce(1, *) }
        sumInts.handled { $0.reduce(0, +) }
        sumFloats.handled { $0.reduce(0, +) }
        concat.handled { $0.joined() }
        split.handled { $0.map { String($0) } }
        panic.handled { throw TaskFailure("RuntimeError", "oops") }
        longRunning.handled { seconds in try await Task.sleep(for: Duration(clampedSeconds: seconds)) }
    }
}
