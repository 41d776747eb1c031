import CeleriacTestKit
import Foundation
import Testing

@Suite(.timeLimit(.minutes(5))) struct WithServersCommandTests {
    /// A run of `celeriac with-servers` whose output goes to files.
    private struct Run {
        let folder: TemporaryFolder
        let child: ChildProcess

        init(_ arguments: String...) throws {
            folder = try TemporaryFolder("test")
            child = try ChildProcess(
                Support.celeriac, ["with-servers"] + arguments, output: .file(folder.path + "/output"),
                error: .file(folder.path + "/errors"))
        }

        var output: String { Support.text(folder.path + "/output") }
        var errors: String { Support.text(folder.path + "/errors") }

        /// Waits for a line `NAME=number` in the command's output.
        func number(_ name: String) async throws -> Int32 {
            var number: Int32?
            await until {
                let lines = output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                number = lines.first { $0.hasPrefix(name + "=") }.flatMap { Int32($0.dropFirst(name.count + 1)) }
                return number != nil || child.status != nil
            }
            return try #require(number, "\(errors)")
        }
    }

    @Test func commandFindsItsServers() async throws {
        let script = #"echo "$CELERIAC_REDIS_URL $CELERIAC_AMQP_URL"; exit 9"#
        let run = try Run("--redis", "--rabbitmq", "--", "sh", "-c", script)
        defer { run.folder.remove() }
        #expect(await run.child.wait() == .exited(9))
        let urls = run.output.split { $0.isWhitespace }.map(String.init)
        try #require(urls.count == 2, "\(run.errors)")
        #expect(urls[0].hasPrefix("redis://127.0.0.1:"))
        #expect(urls[1].hasPrefix("amqp://guest:guest@127.0.0.1:"))
        #expect(run.errors.contains("CELERIAC_REDIS_URL=\(urls[0])\n"))
        #expect(run.errors.contains("CELERIAC_AMQP_URL=\(urls[1])\n"))
        let port = try #require(urls[0].split(separator: ":").last?.split(separator: "/").first.flatMap { Int($0) })
        #expect(await Support.redis(port, "PING") == nil)
    }

    @Test func jsonIsOneObject() async throws {
        let run = try Run("--redis", "--tls", "--json", "--", "sh", "-c", "test -f $CELERIAC_TLS_CA")
        defer { run.folder.remove() }
        #expect(await run.child.wait() == .exited(0))
        let object = try JSONSerialization.jsonObject(with: Data(run.errors.utf8)) as? [String: String]
        let names = [
            "CELERIAC_REDIS_TLS_URL", "CELERIAC_REDIS_URL", "CELERIAC_TLS_CA", "CELERIAC_TLS_CERT", "CELERIAC_TLS_KEY",
        ]
        #expect(object?.keys.sorted() == names)
        #expect(object?["CELERIAC_REDIS_TLS_URL"]?.hasPrefix("rediss://localhost:") == true)
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGUSR1])
    func signalsReachTheCommand(_ signal: Int32) async throws {
        // A shell runs a trap only between foreground commands, so this sleeps in the background and waits.
        let script = "trap 'exit 44' \(signal); sleep 1000 & echo SLEEP=$!; echo READY=1; wait"
        let run = try Run("--redis", "--", "sh", "-c", script)
        defer { run.folder.remove() }
        _ = try await run.number("READY")
        run.child.signal(signal)
        #expect(await run.child.wait() == .exited(44))
        kill(try await run.number("SLEEP"), SIGKILL)
    }

    @Test func commandEndedBySignalGivesTheShellsStatus() async throws {
        let run = try Run("--redis", "--", "sh", "-c", "kill -KILL $$")
        defer { run.folder.remove() }
        #expect(await run.child.wait() == .exited(137))
    }

    @Test func serversEndWhenItIsKilled() async throws {
        let script =
            "echo REDIS=$(redis-cli -u $CELERIAC_REDIS_URL info server | tr -d '\\r' | sed -n 's/^process_id://p');"
            + " exec sleep 1000"
        let run = try Run("--redis", "--", "sh", "-c", script)
        defer { run.folder.remove() }
        let server = try await run.number("REDIS")
        #expect(Support.isRunning(server))
        // This kills only this process, as a crash would, and not its group, which includes the command.
        kill(run.child.pid, SIGKILL)
        await until { !Support.isRunning(server) }
    }

    @Test func missingCommandIs127() async throws {
        let run = try Run("--redis", "--", "celeriac-no-such-command")
        defer { run.folder.remove() }
        #expect(await run.child.wait() == .exited(127))
        #expect(run.errors.contains("celeriac-no-such-command"))
    }

    @Test func commandAndServersAreAskedFor() async throws {
        let without = try Run("--redis")
        defer { without.folder.remove() }
        #expect(await without.child.wait() == .exited(64))
        let serverless = try Run("--", "true")
        defer { serverless.folder.remove() }
        #expect(await serverless.child.wait() == .exited(64))
    }
}
