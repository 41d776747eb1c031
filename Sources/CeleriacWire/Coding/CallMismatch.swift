/// How a call does not fit its task.
public enum CallMismatch: Sendable, Hashable {
    /// An argument is missing.
    case tooFewArguments
    /// There are more arguments than parameters.
    case tooManyArguments
}
