import CeleriacTestKit
import CeleriacWire
import Testing

@testable import CeleriacCommand

@Suite("celeriac report and --version", .timeLimit(.minutes(5))) struct ReportCommandTests {
    @Test("describe this software and its settings, without secrets")
    func report() async throws {
        let arguments = ["report", "-b", "redis://me:secret@localhost/0"]
        let variables = ["CELERY_TASK_ACKS_LATE": "true"]
        let run = try await CommandRun(arguments, variables: variables)
        #expect(run.status == .exited(0) && !run.output.contains("secret"), "\(run.errors)")
        #expect(run.output.hasPrefix("\nsoftware -> celeriac:"))
        #expect(run.output.contains("\nsettings -> transport:redis results:disabled\n"))
        #expect(run.output.contains("\nbroker_url: 'redis://me:********@localhost/0'\n"))
        #expect(run.output.contains("\ntask_acks_late: True\n"))
        let json = try WireJSON.decode(
            Array(try await CommandRun(arguments + ["-j"], variables: variables).output.utf8))
        #expect(json["transport"] == "redis" && json["settings"]?["task_acks_late"] == true)
        #expect(json["platform"]?["imp"] == "Swift" && json["loader"]?["settings"] == "--broker, the environment")
    }

    /// The report has the labels of Celery's, and its lines of settings.
    @Test("has the form of Celery's report")
    func form() async throws {
        let python = PythonPeer(broker: "memory://", settings: ["task_acks_late": true])
        let celerys = try await python.celery(["report"])
        let ours = try await CommandRun(["report", "-b", "memory://"], variables: ["CELERY_TASK_ACKS_LATE": "true"])
        func labels(_ text: String) -> [String] {
            text.split(separator: "\n").compactMap { line in
                line.contains(" -> ") ? line.split(separator: " ").first.map(String.init) : nil
            }
        }
        #expect(labels(ours.output) == labels(celerys.output), "\(celerys.errors)")
        for run in [ours.output, celerys.output] { #expect(run.contains("\ntask_acks_late: True\n"), "\(run)") }
    }

    @Test("--version tells two versions, also for scripts")
    func version() async throws {
        let run = try await CommandRun(["--version"])
        #expect(run.status == .exited(0) && run.output == CommandVersion.line + "\n")
    }

    @Test("there are completion scripts with all verbs", arguments: ["bash", "zsh", "fish"])
    func completion(_ shell: String) async throws {
        let run = try await CommandRun(["--generate-completion-script", shell])
        #expect(run.status == .exited(0))
        for verb in ["status", "inspect", "purge", "report"] { #expect(run.output.contains(verb)) }
        #expect(run.output.contains("active_queues"))
    }
}
