import ArgumentParser
import CSpawn
import Foundation
import Glibc

/// How this process was started, to start the program once more: in the background, or in its own place.
///
/// The program that is started so has entered its folder already, and does not go into the background again: a variable
/// tells it, which it takes away at once.
struct ProgramLaunch {
    private static let mark = "CELERIAC_STARTED_AGAIN"

    /// The program's path and its arguments as they came.
    let path: String
    let arguments: [String]
    /// Whether the program has started itself.
    let isAgain: Bool

    /// How this process was started. It is asked once, before anything runs that reads the environment. The path is that
    /// of the file, which somebody may replace by a newer one.
    static func take() -> ProgramLaunch {
        let name = CommandLine.arguments.first ?? ""
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? name
        let isAgain = getenv(mark) != nil
        unsetenv(mark)
        return ProgramLaunch(path: path, arguments: Array(CommandLine.arguments.dropFirst()), isAgain: isAgain)
    }

    /// Starts the program in a session of its own, which nothing connects to this one, and returns. A child of a fork
    /// would not do: only one of the process's threads would be in it.
    ///
    /// - Parameter output: the file of what it prints; nil for nowhere.
    /// - Throws: `ValidationError` if it cannot be started.
    func detach(output: String?) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0)
        let flag = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output ?? "/dev/null", flag, 0o644)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        celeriac_spawn_set_signals(&attributes, celeriac_spawn_setsid)

        var pid = pid_t()
        let variables = CommandEnvironment().all.merging([Self.mark: "1"]) { $1 }
        let code = Self.withWords([path] + arguments) { words in
            Self.withWords(variables.map { "\($0.key)=\($0.value)" }) { variables in
                posix_spawn(&pid, path, &actions, &attributes, words, variables)
            }
        }
        guard code == 0 else {
            throw ValidationError("--detach: cannot start \(path): \(String(cString: strerror(code))).")
        }
    }

    /// Starts the program in the place of this process.
    ///
    /// - Returns: why that failed; otherwise it does not return.
    func again() -> String {
        var signals = sigset_t()
        sigemptyset(&signals)
        pthread_sigmask(SIG_SETMASK, &signals, nil)
        setenv(Self.mark, "1", 1)
        _ = Self.withWords([path] + arguments) { words in execv(path, words) }
        return "cannot start \(path) again: \(String(cString: strerror(errno)))"
    }

    /// Calls `body` with words as C has them.
    private static func withWords(
        _ words: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32
    ) -> Int32 {
        let copies = words.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return copies.withUnsafeBufferPointer { buffer in buffer.baseAddress.map(body) ?? EINVAL }
    }
}
