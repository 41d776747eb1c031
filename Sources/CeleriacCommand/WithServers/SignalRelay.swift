import CeleriacTestKit
import Glibc
import NIOConcurrencyHelpers
import UnixSignals

/// Passes signals on to a command once it runs.
final class SignalRelay: Sendable {
    private let child = NIOLockedValueBox<ChildProcess?>(nil)

    /// From now on signals go to this command.
    func start(_ command: ChildProcess) {
        child.withLockedValue { $0 = command }
    }

    /// Passes a signal on; false if no command runs yet, so that the signal means this process alone.
    func pass(_ signal: UnixSignal) -> Bool {
        guard let child = child.withLockedValue({ $0 }) else { return false }
        // Ctrl-C and Ctrl-\ reach every process of the terminal's foreground group: the command has got it already.
        let fromKeyboard = signal == .sigint || signal == .sigquit
        if !(fromKeyboard && tcgetpgrp(STDIN_FILENO) == getpgrp()) { child.signal(signal.rawValue) }
        return true
    }
}
