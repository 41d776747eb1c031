/// Keeps the results of tasks in the hub for as long as somebody can ask for them.
final class ResultTicket: Sendable {
    private let taskIDs: [String]
    private let hub: ResultHub

    init(taskIDs: [String], hub: ResultHub) {
        self.taskIDs = taskIDs
        self.hub = hub
    }

    deinit { hub.release(taskIDs) }
}
