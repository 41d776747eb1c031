import CeleriacTestKit
import Foundation
import Testing

/// Streams that nobody reads any more, or that cannot be written, must not crash a command.
@Suite("Standard streams", .timeLimit(.minutes(5))) struct StandardStreamTests {
    /// Runs the command by a script, in which `$0` is the command and `$1` a folder.
    private func run(_ script: String) async throws -> (status: CeleriacTestKit.ExitStatus, errors: String) {
        let folder = try TemporaryFolder("test")
        defer { folder.remove() }
        let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CELERY_") }
        let child = try ChildProcess(
            "/bin/sh", ["-c", script, Support.celeriac, folder.path], environment: environment,
            error: .file(folder.path + "/errors"))
        let status = await child.wait()
        return (status, Support.text(folder.path + "/errors"))
    }

    @Test(
        "a full disk ends a verb with status 74 and the reason",
        arguments: [
            "settings --json", "events --dump -b memory://",
        ])
    func fullDisk(verb: String) async throws {
        let (status, errors) = try await run("exec \"$0\" \(verb) > /dev/full")
        #expect(status == .exited(74))
        #expect(errors == "Error: cannot write to standard output: No space left on device\n")
    }

    @Test(
        "a reader that has gone away ends a verb in silence",
        arguments: [
            "settings --json", "events --dump -b memory://",
        ])
    func goneReader(verb: String) async throws {
        // Once the third descriptor is closed, nobody can read what goes into the fourth. The signal is ignored, as it is
        // in every process with connections.
        let (status, errors) = try await run(
            """
            mkfifo "$1/pipe"; exec 3<>"$1/pipe"; exec 4>"$1/pipe"; exec 3<&-; trap '' PIPE
            exec "$0" \(verb) >&4
            """)
        #expect(status == .signalled(SIGPIPE))
        #expect(errors.isEmpty, "\(errors)")
    }

    @Test("what cannot be told on standard error changes nothing")
    func fullErrors() async throws {
        let (status, _) = try await run("echo nonsense | { \"$0\" decode 2> /dev/full; exit $?; }")
        #expect(status == .exited(1))
    }

    @Test("standard input that cannot be read ends a verb with the reason")
    func unreadableInput() async throws {
        let (status, errors) = try await run("exec \"$0\" decode < /")
        #expect(status == .exited(74))
        #expect(errors.hasPrefix("Error: cannot read standard input: "))
    }
}
