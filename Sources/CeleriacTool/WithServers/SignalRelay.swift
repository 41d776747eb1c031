import CeleriacTestKit
import Glibc
import NIOConcurrencyHelpers
import UnixSignals

/// Passes signals on to a command, including one that arrived while the command was starting.
final class SignalRelay: Sendable {
    private enum State {
        case waiting
        case signalled(UnixSignal)
        case running(ChildProcess)
    }

    private let state = NIOLockedValueBox<State>(.waiting)

    /// Sends this command the signal that came before it started, and all later ones.
    func start(_ command: ChildProcess) {
        let missed: UnixSignal? = state.withLockedValue { state in
            defer { state = .running(command) }
            if case .signalled(let signal) = state { return signal }
            return nil
        }
        if let missed { send(missed, to: command) }
    }

    /// Passes on a signal.
    ///
    /// - Returns: False if no command is running yet; the signal is then meant for this process too.
    func pass(_ signal: UnixSignal) -> Bool {
        let command: ChildProcess? = state.withLockedValue { state in
            if case .running(let command) = state { return command }
            state = .signalled(signal)
            return nil
        }
        guard let command else { return false }
        send(signal, to: command)
        return true
    }

    private func send(_ signal: UnixSignal, to command: ChildProcess) {
        // Ctrl-C and Ctrl-\ reach every process in the terminal's foreground group, so the command already has the
        // signal.
        let fromKeyboard = signal == .sigint || signal == .sigquit
        if !(fromKeyboard && tcgetpgrp(STDIN_FILENO) == getpgrp()) { command.signal(signal.rawValue) }
    }
}
