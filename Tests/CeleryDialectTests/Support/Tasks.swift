import Celeriac

/// Tasks that the tests of this target run.
enum Tasks {
    static let add = TaskName<Int, Int, Int>("tests.add", parameters: "x", "y")
    static let number = TaskName<Int, Int>("tests.number")
    static let sum = TaskName<[Int], Int>("tests.sum")
}
