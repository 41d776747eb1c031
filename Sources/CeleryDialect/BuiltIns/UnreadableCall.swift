import CeleriacCore

/// A call of a task of Celery's own that cannot be read. Its failure is stored even where the sender wants no result:
/// nobody else could tell what became of it.
struct UnreadableCall: Sendable {
    let error: TaskFailure
}
