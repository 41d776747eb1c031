/// How a task was withdrawn.
public enum Revocation: Sendable, Hashable {
    /// Before it began.
    case revoked
    /// While it ran: its handler's task was cancelled. The signal is the number of the one that whoever asked named; it
    /// is only told on, since handlers are no processes.
    case terminated(signal: Int32)
}
