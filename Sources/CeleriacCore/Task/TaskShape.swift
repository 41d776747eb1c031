/// The parameters of a task: their kinds by type, their names and defaults.
struct TaskShape: Sendable {
    let kinds: [ArgumentKind]
    let parameters: [TaskParameter]
}
