import CeleriacQueues
import Foundation
import Glibc

/// A standard stream that the commands write to. No write may trap: a reader goes away, and a disk is full.
enum StandardStream {
    case output, error

    /// Writes bytes.
    ///
    /// - Returns: the `errno` of the failure; nil if the stream has taken all of them.
    func write(_ bytes: [UInt8]) -> Int32? {
        let descriptor = self == .output ? STDOUT_FILENO : STDERR_FILENO
        var rest = bytes[...]
        while true {
            let (count, failure) = FileStore.write(rest, descriptor: descriptor)
            if failure == 0 { return nil }
            // Another program that shares the terminal or the pipe may have made it non-blocking.
            guard failure == EAGAIN else { return failure }
            rest = rest.dropFirst(count)
            var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = poll(&ready, 1, -1)
        }
    }

    /// Ends the process, because standard output cannot be written: with SIGPIPE if its reader has gone away, as programs
    /// end that know nothing of it, else with status 74 after the reason was told.
    static func end(_ failure: Int32) -> Never {
        TerminalPicture.end()
        if failure == EPIPE {
            // NIO has the process ignore the signal.
            _ = signal(SIGPIPE, SIG_DFL)
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGPIPE)
            pthread_sigmask(Int32(SIG_UNBLOCK), &signals, nil)
            raise(SIGPIPE)
        }
        CommandEnvironment.say("Error: cannot write to standard output: \(String(cString: strerror(failure)))")
        exit(EX_IOERR)
    }
}
