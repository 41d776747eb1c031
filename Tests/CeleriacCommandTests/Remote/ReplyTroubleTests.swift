import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryDialect
import Foundation
import Testing

@testable import CeleriacCommand

/// What operators are told of replies that hide something.
@Suite("Trouble with replies", .timeLimit(.minutes(5)))
struct ReplyTroubleTests {
    @Test("is told with names, numbers and what to do")
    func text() {
        var trouble = ReplyTrouble()
        #expect(trouble.notices.isEmpty && trouble.unreadable == nil)
        trouble.note(sharedNames: ["b@h", "a@h"], unreadable: ["no\u{1B}", "no\u{1B}", "why"])
        let texts = trouble.notices.map { $0.text }
        #expect(texts.count == 2 && texts.first == "several workers have the same node name: a@h, b@h")
        #expect(texts.last?.hasPrefix("3 replies of workers cannot be read (") == true)
        #expect(texts.last?.contains("\u{1B}") == false && texts.last?.hasSuffix("; why)") == true)
        #expect(trouble.findings.map { $0.level } == [.warning, .warning])
        // A hostile peer fills nobody's memory or screen.
        trouble.note(sharedNames: [], unreadable: (0..<100).map { "reason \($0)" })
        #expect(trouble.reasons.count == 5 && trouble.unreadableCount == 100)
    }

    @Test("keeps settings --like from saying that a worker is not there")
    func like() {
        var trouble = ReplyTrouble()
        #expect(SettingsCommand.silence(of: "w@h", for: 5, trouble).message.contains("see that it runs"))
        trouble.note(sharedNames: [], unreadable: ["the form is odd"])
        let message = SettingsCommand.silence(of: "w@h", for: 5, trouble).message
        #expect(message == "w@h may have answered, but 1 reply of a worker cannot be read (the form is odd)")
    }

    #if Redis
    @Test("workers of one name are told on standard error, by text and JSON, and by doctor")
    func sharedName() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let python = PythonPeer(broker: url)
        let first = try await python.startWorker(arguments: ["--hostname", "same@host"])
        let second = try await python.startWorker(arguments: ["--hostname", "same@host"])
        try await until {
            try await CommandRun(["status", "-b", url, "-t", "2"]).errors.contains("same@host")
        }
        for verb in [["status"], ["ping"], ["inspect", "ping", "--json"], ["control", "heartbeat"]] {
            let run = try await CommandRun(verb + ["-b", url, "-t", "5"])
            #expect(run.errors.contains("Warning: several workers have the same node name: same@host: "), "\(verb)")
            #expect(!run.output.contains("Warning") && run.status == .exited(0), "\(verb): \(run.output)")
        }
        let doctor = try await CommandRun(["doctor", "-b", url, "-t", "5"])
        #expect(doctor.output.contains("several workers have the same node name: same@host"), "\(doctor.output)")
        await first.stop()
        await second.stop()
    }

    @Test("there is none with a worker that replies in YAML, as its tasks are")
    func yaml() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let worker = try await PythonPeer(
            broker: url, settings: ["task_serializer": "yaml", "accept_content": ["json", "yaml"]]
        ).startWorker()
        try await until {
            try await CommandRun(["ping", "-q", "-d", worker.name, "-t", "5", "-b", url]).status == .exited(0)
        }
        let status = try await CommandRun(["status", "-b", url, "-d", worker.name, "-t", "60"])
        #expect(status.output.contains(worker.name) && status.errors.isEmpty, "\(status.output) \(status.errors)")
        let settings = try await CommandRun(["settings", "--like", worker.name, "-b", url, "--timeout", "60"])
        #expect(settings.status == .exited(0) && settings.output.contains("yaml"), "\(settings.errors)")
        await worker.stop()
    }
    #endif
}
