import CeleriacTestKit
import Foundation
import Testing

@Suite(.timeLimit(.minutes(5))) struct ChildProcessTests {
    @Test func reportsStatusAndSignal() async throws {
        #expect(try await ChildProcess("/bin/sh", ["-c", "exit 7"]).wait() == .exited(7))
        #expect(try await ChildProcess("/bin/sh", ["-c", "kill -USR1 $$"]).wait() == .signalled(SIGUSR1))
        #expect(ExitStatus.signalled(SIGTERM).shellStatus == 143)
        #expect(ExitStatus.exited(7).shellStatus == 7)
    }

    @Test func missingProgramIsAnError() async throws {
        #expect { try ChildProcess("/nowhere/program", []) } throws: { ($0 as? TestKitError)?.code == .system }
        #expect { try Program.find("celeriac-no-such-program", install: "the package nothing") } throws: {
            let error = $0 as? TestKitError
            return error?.code == .missingProgram && error?.message.contains("the package nothing") == true
        }
    }

    @Test func childSeesOnlyItsStandardStreams() async throws {
        let folder = try TemporaryFolder("test")
        defer { folder.remove() }
        // The descriptor is not close-on-exec, as if a careless library had opened it.
        let descriptor = open("/dev/null", O_RDONLY)
        defer { close(descriptor) }
        let output = folder.path + "/output"
        try await ChildProcess("/bin/ls", ["/proc/self/fd"], output: .file(output)).wait()
        // ls itself holds one more descriptor: the folder that it lists.
        #expect(Support.text(output).split(separator: "\n") == ["0", "1", "2", "3"])
        #expect(descriptor > 2)
    }

    @Test func stopKillsWhatDoesNotListen() async throws {
        let folder = try TemporaryFolder("test")
        defer { folder.remove() }
        let ready = folder.path + "/ready"
        let script = "trap '' TERM; : > '\(ready)'; while :; do sleep 1; done"
        let child = try ChildProcess("/bin/sh", ["-c", script])
        await until { FileManager.default.fileExists(atPath: ready) }
        await child.stop(grace: .milliseconds(50))
        #expect(child.status == .signalled(SIGKILL))
    }

    @Test func stopEndsWhatListens() async throws {
        let child = try ChildProcess("/bin/sleep", ["1000"])
        await child.stop(grace: .seconds(60))
        #expect(child.status == .signalled(SIGTERM))
    }

    @Test func grandchildrenEndWithTheLeader() async throws {
        let folder = try TemporaryFolder("test")
        defer { folder.remove() }
        let file = folder.path + "/grandchild"
        let child = try ChildProcess("/bin/sh", ["-c", "sleep 1000 & echo $! > '\(file)'"])
        #expect(await child.wait() == .exited(0))
        let line = Support.text(file).trimmingCharacters(in: .newlines)
        let grandchild = try #require(Int32(line))
        await until { !Support.isRunning(grandchild) }
    }

    @Test func failedCommandShowsWhatItPrinted() async throws {
        await #expect {
            try await Program.run("/bin/sh", ["-c", "echo out; echo wrong >&2; exit 3"])
        } throws: {
            let error = $0 as? TestKitError
            return error?.code == .commandFailed && error?.message.contains("wrong") == true
                && error?.message.contains("status 3") == true
        }
        #expect(try await Program.run("/bin/echo", ["a", "b"]) == "a b\n")
    }
}
