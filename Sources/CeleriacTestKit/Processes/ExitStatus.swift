/// How a child process ended.
package enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
    /// It ended by itself, with this status.
    case exited(Int32)
    /// This signal ended it.
    case signalled(Int32)

    /// Whether it ended by itself with status 0.
    package var isSuccess: Bool { self == .exited(0) }

    /// The status that a shell would report: 128 + the number of the signal.
    package var shellStatus: Int32 {
        switch self {
        case .exited(let status): status
        case .signalled(let signal): 128 + signal
        }
    }

    package var description: String {
        switch self {
        case .exited(let status): "status \(status)"
        case .signalled(let signal): "signal \(signal)"
        }
    }

    /// Reads the status word of `waitpid`.
    init(word: Int32) {
        let signal = word & 0x7f
        self = signal == 0 ? .exited((word >> 8) & 0xff) : .signalled(signal)
    }
}
