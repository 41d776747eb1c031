import Celeriac

/// Tasks that the tests of this target run.
enum Tasks {
    static let add = TaskDefinition<Int, Int, Int>("tests.add", parameters: "x", "y")
    static let number = TaskDefinition<Int, Int>("tests.number")
    static let sum = TaskDefinition<[Int], Int>("tests.sum")
}
