/// What becomes of runs of an entry that were due while nobody could send them: before a beat began, or while it was held
/// up.
public enum MissedRuns: String, Sendable, Hashable, CaseIterable {
    /// However many were missed, the task is sent once. Celery's way.
    case once
    /// Runs from before this beat began are not made up for.
    case skip
    /// The task is sent once for each; of more than 1,000 the last 1,000.
    case all
}
