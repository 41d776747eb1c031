/// What ``TaskContext/replace(with:)`` throws: let it pass through your handler.
public struct ReplaceError: Error, Sendable {
    let submission: Submission
}
