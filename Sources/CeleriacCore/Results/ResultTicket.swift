/// Keeps a task's result in the hub for as long as somebody can ask for it.
final class ResultTicket: Sendable {
    private let taskID: String
    private let hub: ResultHub

    init(taskID: String, hub: ResultHub) {
        self.taskID = taskID
        self.hub = hub
    }

    deinit { hub.release(taskID) }
}
