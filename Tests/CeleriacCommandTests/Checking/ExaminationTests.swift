import Celeriac
import CeleriacCore
import CeleriacWire
import Testing

@testable import CeleriacCommand

@Suite("Examinations") struct ExaminationTests {
    private func levels(_ findings: [Finding]) -> [Finding.Level] { findings.map(\.level) }

    /// A failure of a transport.
    private struct Failure: TransportError {
        var isRefusedLogin = false
        var isLackOfRight = false
        var mayHaveArrived: Bool { false }
    }

    @Test("of failures: rights, logins and servers that are away want different things")
    func failures() {
        func found(_ cause: Failure, _ text: String = "t") -> (finding: Finding, isReached: Bool) {
            ServerExamination.failure("broker", CeleriacError(.unavailable, text, cause: cause))
        }
        let right = found(Failure(isLackOfRight: true))
        #expect(right.isReached && right.finding.subject == "rights")
        let login = found(Failure(isRefusedLogin: true))
        #expect(login.isReached && login.finding.advice?.hasPrefix("correct the user") == true)
        let away = found(Failure())
        #expect(!away.isReached && away.finding.advice?.hasPrefix("see that it runs") == true)
        let advised = ServerExamination.failure(
            "broker", CeleriacError(.unavailable, "a://b cannot be reached: check that it runs."))
        #expect(!advised.isReached)
        #expect(advised.finding == .problem("broker", "a://b cannot be reached", "check that it runs"))
        // The server's words may say which of several things it is.
        let words = "a://b refused the login: check the user and the password. (NO: check x. (y))"
        let refused = found(Failure(isRefusedLogin: true), words)
        #expect(refused.finding.text.hasPrefix("a://b refused the login (NO: check x. (y))"), "\(refused.finding.text)")
    }

    @Test("of a number of settings")
    func settings() {
        #expect(DoctorCommand.settingsText(0) == "none is set, so that the defaults hold")
        #expect(DoctorCommand.settingsText(1) == "1 is set, and can be followed")
        #expect(DoctorCommand.settingsText(2) == "2 are set, and can be followed")
    }

    @Test("of URLs")
    func addresses() {
        func found(_ url: String) -> [Finding] { AddressExamination.findings("broker", url) }
        for url in [
            "redis://localhost/0", "redis://:secret@127.0.0.1", "rediss://:secret@h/0", "amqps://me:secret@h//",
            "redis://me:secret@[::1]:6380/0", "rediss://me@h/0?password_file=/run/secret",
        ] {
            #expect(levels(found(url)) == [.ok], "\(url)")
        }
        #expect(levels(found("localhost:6379")) == [.problem])
        #expect(levels(found("redis://[::1")) == [.problem])
        let clear = found("redis://:secret@h/0")
        #expect(levels(clear) == [.warning] && !"\(clear)".contains("secret"))
        #expect(levels(found("amqp://me:secret@a//;amqps://me:secret@b//")) == [.warning, .ok])
        #expect(levels(found("redis://:x@localhost:5672/0")) == [.warning])
        #expect(levels(found("amqp://localhost:6379//")) == [.warning])
        #expect(levels(found("redis://h/0")) == [.note] && levels(found("amqp://h//")) == [.note])
        #expect(levels(found("rediss://:x@h/0?ssl_cert_reqs=CERT_NONE")) == [.warning])
        #expect(found("memory://").isEmpty)
    }

    @Test("of URLs whose encryption or login the settings have")
    func coveredAddresses() throws {
        func found(_ yaml: String) throws -> (broker: [Finding], results: [Finding]) {
            let settings = try CelerySettings(yaml: Array(yaml.utf8))
            return (
                AddressExamination.findings("broker", settings.broker ?? "", cover: settings.brokerCover),
                AddressExamination.findings("results", settings.results ?? "", cover: settings.resultCover)
            )
        }
        let covered = try found(
            """
            broker_url: redis://:secret@h/0
            broker_use_ssl: {ssl_cert_reqs: required, ssl_ca_certs: ca.pem}
            result_backend: redis://h/1
            redis_backend_use_ssl: true
            redis_password: secret
            """)
        #expect(levels(covered.broker) == [.ok] && levels(covered.results) == [.ok])
        // The settings of one say nothing of the other.
        let halves = try found(
            """
            broker_url: redis://:secret@h/0
            result_backend: redis://:secret@h/1
            redis_backend_use_ssl: {ssl_cert_reqs: CERT_NONE}
            """)
        #expect(halves.broker.map(\.text) == ["the password and all messages to h cross the network in the clear"])
        #expect(halves.broker.first?.advice == "use rediss://, or broker_use_ssl")
        #expect(halves.results.map(\.text) == ["the server's certificate is not checked"])
        // A password of the settings crosses the network too.
        let clear = try found("broker_url: memory://\nresult_backend: redis://h/1\nredis_password: secret")
        #expect(levels(clear.results) == [.warning])
        #expect(clear.results.first?.advice == "use rediss://, or redis_backend_use_ssl")
        let rabbitMQ = "broker_url: amqp://me:secret@h//\n"
        #expect(try levels(found(rabbitMQ + "broker_use_ssl: {ca_certs: ca.pem}").broker) == [.ok])
        #expect(try levels(found(rabbitMQ + "broker_use_ssl: {cert_reqs: CERT_NONE}").broker) == [.warning])
        #expect(try levels(found(rabbitMQ).broker) == [.warning])
        // Who shows a certificate is no guest.
        let shown = "{broker_url: amqp://h//, broker_use_ssl: true, broker_login_method: EXTERNAL}"
        #expect(try levels(found(shown).broker) == [.ok])
    }

    @Test("of servers")
    func servers() {
        var facts = BrokerFacts(software: "Redis")
        facts.version = "7.0.15"
        facts.clockOffset = 0.5
        #expect(levels(ServerExamination.findings(facts)) == [.ok, .ok, .ok, .ok])
        facts.version = "6.0.16"
        facts.roundTrip = 0.2
        facts.clockOffset = -20
        facts.refusals = [BrokerFacts.Refusal(what: "run scripts", why: "NOPERM")]
        facts.properties = [
            "role": "slave", "cluster_enabled": "1", "maxmemory_policy": "allkeys-lru", "used_memory": "95",
            "maxmemory": "100", "aof_enabled": "0", "rdb_last_save_time": "1",
        ]
        facts.expiredClaims = 3
        let bad = ServerExamination.findings(facts)
        #expect(
            levels(bad) == [
                .problem, .warning, .problem, .problem, .problem, .note, .problem, .warning, .note, .warning,
            ])
        #expect(bad.allSatisfy { $0.advice?.isEmpty == false })
        #expect(bad.contains { $0.text == "the server's clock is 20.0 s behind this one" })
        facts.properties = ["used_memory": "1e300", "maxmemory": "1"]
        let full = ServerExamination.findings(facts)
        #expect(full.contains { $0.subject == "memory" && $0.text.contains(" 1000000000 % ") }, "\(full)")
        var rabbitMQ = BrokerFacts(software: "RabbitMQ")
        rabbitMQ.version = "3.10.8"
        rabbitMQ.blocked = "low on disk"
        #expect(levels(ServerExamination.findings(rabbitMQ)) == [.ok, .ok, .problem, .ok])
    }

    private func worker(_ node: String, _ settings: WireObject, software: String = "py-celery 5.7.0") -> WorkerFacts {
        var worker = WorkerFacts(node)
        worker.settings = settings
        worker.software = software
        worker.clockOffset = 0
        return worker
    }

    @Test("of workers that agree, in both languages")
    func agreement() {
        let python = worker(
            "a@h",
            [
                "broker_transport_options": [:], "task_default_queue": "celery", "task_serializer": "json",
                "accept_content": ["json"], "result_backend": "redis://:********@h/1", "task_acks_late": false,
            ])
        let swift = worker(
            "b@h",
            [
                "broker_transport_options": ["visibility_timeout": 3600.0], "task_default_queue": "celery",
                "task_serializer": "json", "accept_content": ["application/json"], "result_backend": "redis://h/1",
                "task_acks_late": true,
            ], software: "celeriac 0.1.0")
        #expect(swift.isSwift && !python.isSwift)
        let findings = WorkerExamination(workers: [python, swift], transport: .redis).findings
        #expect(levels(findings).allSatisfy { $0 == .ok }, "\(findings)")
        #expect(levels(WorkerExamination(workers: [], transport: .redis).findings) == [.warning])
    }

    @Test("of workers in Swift at RabbitMQ, where others take over what takes longer than a queue lets it")
    func takenOver() {
        let software = "celeriac 0.1.0"
        func timeouts(_ workers: WorkerFacts...) -> [String] {
            WorkerExamination(workers: workers, transport: .rabbitMQ).findings
                .filter { $0.subject == "timeouts" && $0.level == .warning }.map(\.text)
        }
        var first = worker("a@h", ["task_acks_late": true], software: software)
        first.latestETA = 7200
        var second = worker("b@h", ["task_acks_late": true, "task_time_limit": 60], software: software)
        // It knows its own tasks again, and RabbitMQ keeps what is due later.
        #expect(timeouts(first).isEmpty)
        let together = timeouts(first, second)
        #expect(together.count == 1)
        #expect(
            together.first == "a@h acknowledges late, and tasks may run without a limit, longer than RabbitMQ's "
                + "consumer_timeout (30 min): other workers of its queues run them again then")
        first.queues = ["mail": [:]]
        second.queues = ["images": ["x-consumer-timeout": 30_000], "mail": [:]]
        let own = timeouts(first, second)
        #expect(own.count == 2)
        #expect(own.contains { $0.contains("up to 60 s, longer than x-consumer-timeout of the queue images (30 s)") })
        second.queues = ["images": ["x-consumer-timeout": 30_000]]
        #expect(timeouts(first, second).isEmpty)
        // Early, nothing is held while it runs. In Redis it is renewed.
        let early = worker("a@h", ["task_acks_late": false], software: software)
        #expect(timeouts(early, worker("b@h", [:])).isEmpty)
        let redis = WorkerExamination(workers: [first, second], transport: .redis).findings
        #expect(!redis.contains { $0.subject == "timeouts" })
        // A longer time of its own is enough.
        var patient = worker("c@h", ["task_acks_late": true, "task_time_limit": 3600])
        patient.queues = ["slow": ["x-consumer-timeout": 7_200_000]]
        #expect(timeouts(patient).isEmpty)
        patient.queues = ["slow": ["x-consumer-timeout": 7_200_000], "mail": [:]]
        #expect(timeouts(patient).count == 1)
    }

    @Test("of workers that disagree, or hold messages for too long")
    func disagreement() {
        var first = worker(
            "a@h",
            [
                "broker_transport_options": ["visibility_timeout": 600], "task_serializer": "msgpack",
                "accept_content": ["json", "msgpack"], "task_acks_late": true, "result_expires": 60,
            ])
        first.latestETA = 7200
        first.clockOffset = 3
        let second = worker(
            "b@h",
            [
                "broker_transport_options": [:], "task_serializer": "json", "accept_content": ["json"],
                "task_acks_late": false, "result_expires": 3600, "task_time_limit": 60,
            ], software: "py-celery 5.4.0")
        let findings = WorkerExamination(workers: [first, second], transport: .redis).findings
        func has(_ level: Finding.Level, _ text: String) -> Bool {
            findings.contains { $0.level == level && $0.text.contains(text) }
        }
        #expect(has(.note, "py-celery 5.4.0 (b@h); py-celery 5.7.0 (a@h)"))
        #expect(has(.warning, "the clock of a@h is 3.0 s ahead of this one"))
        #expect(has(.problem, "visibility_timeout is 3600 at b@h; 600 at a@h"))
        #expect(has(.problem, "result_expires is 3600 at b@h; 60 at a@h") && has(.problem, "task_acks_late is "))
        #expect(has(.problem, "a@h send tasks in msgpack, which b@h refuse"))
        #expect(has(.problem, "a@h holds a task for another 120 min, longer than visibility_timeout (10 min)"))
        #expect(has(.warning, "a@h acknowledges late, and tasks may run without a limit"))
        let rabbitMQ = WorkerExamination(workers: [first], transport: .rabbitMQ).findings
        #expect(rabbitMQ.contains { $0.text.contains("longer than RabbitMQ's consumer_timeout (30 min)") })
        // Python's JSON has numbers that are none.
        let odd = worker(
            "c@h", ["broker_transport_options": ["visibility_timeout": .double(.nan)], "task_acks_late": true])
        let strange = WorkerExamination(workers: [odd], transport: .redis).findings
        #expect(strange.contains { $0.text.contains("visibility_timeout (nan min)") }, "\(strange)")
        let other = WorkerExamination(workers: [first], transport: .other).findings
        #expect(!other.contains { $0.subject == "timeouts" })
    }

    @Test("are printed with what to do, and counted")
    func printing() {
        let printer = FindingPrinter(output: CommandOutput(json: false), style: .plain)
        let lines = printer.lines(of: [.ok("a", "fine"), .problem("b", "bad\u{1B}[2J", "mend it")])
        #expect(lines.count == 5 && lines[0] == "ok      a: fine" && lines[2] == "        → mend it")
        #expect(lines.last == "1 problem, 0 warnings." && lines.allSatisfy { !$0.contains("\u{1B}") })
    }
}
