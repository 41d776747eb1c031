import CeleriacTestKit
import Testing

/// Tests what `celeriac call` refuses before it connects to anything.
@Suite struct CallTimesTests {
    @Test(arguments: ["--countdown", "--expires", "--timeout"], ["nan", "inf", "1e300", "-1e300"])
    func aTimeOutOfRangeIsRefused(_ option: String, _ seconds: String) async throws {
        let folder = try TemporaryFolder("test")
        defer { folder.remove() }
        let child = try ChildProcess(
            Support.celeriac, ["call", "tasks.add", "--wait", "-b", "redis://127.0.0.1:1/0", "\(option)=\(seconds)"],
            output: .file(folder.path + "/output"), error: .file(folder.path + "/errors"))
        #expect(await child.wait() == .exited(64))
        let errors = Support.text(folder.path + "/errors")
        #expect(errors.contains("\(option) must be a number of seconds from "))
    }

    @Test(arguments: ["--eta", "--expires"])
    func aTimeThatIsNoneIsRefused(_ option: String) async throws {
        let run = try await CommandRun(["call", "tasks.add", "-b", "redis://127.0.0.1:1/0", option, "tomorrow"])
        #expect(run.status == .exited(64) && run.errors.contains("\(option) must be a time such as"), "\(run.errors)")
    }
}
