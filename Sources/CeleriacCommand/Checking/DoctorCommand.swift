import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire
import Foundation

/// `celeriac doctor`: examines a Celery system, and says what to do about what it finds.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Examine settings, broker and workers, and say what to do about what is wrong.",
        discussion: ProgramContext.naming(
            """
            It looks at the settings and URLs, at how the broker is reached, its version, clock and limits, at what the \
            user may do, and asks workers in Python and Swift for their versions, clocks and settings: where they \
            disagree, and where they hold messages for longer than the broker lets them. It changes nothing and leaves \
            nothing behind.

            Exit status 0 means that there is no problem, though there may be warnings; 1 that there is, 69 that the \
            broker cannot be reached, 64 that the command line is wrong.

              celeriac doctor -b redis://localhost/0
              celeriac doctor --config celery.yaml --json | jq '.findings[] | select(.level == "problem")'
            """))

    @OptionGroup var connection: ConnectionOptions

    @Option(name: .shortAndLong, help: "How many seconds to wait for workers.")
    var timeout = 2.0

    @OptionGroup var printing: OutputOptions

    func validate() throws {
        guard 0.1...3600 ~= timeout else { throw ValidationError("--timeout must be from 0.1 to 3600 seconds.") }
    }

    func run() async throws {
        var findings = settingsFindings()
        var isReached = true
        let printer = FindingPrinter(output: printing.output, style: connection.settings.style)
        if let app = makeApp(&findings) {
            var line = ProgressLine()
            line.show("asking the broker and its workers")
            isReached = await examine(app, &findings)
            await app.close()
            line.clear()
        }
        printer.show(findings)
        if !isReached { throw ExitCode.unavailable }
        if findings.contains(where: { $0.level == .problem }) { throw ExitCode(1) }
    }

    // MARK: Here

    private func settingsFindings() -> [Finding] {
        let layers: [SettingsLayer]
        do {
            layers = try connection.settings.layers()
        } catch {
            let text = (error as? ValidationError)?.message ?? "\(error)"
            return [.problem("settings", text, "correct the file; settings --config shows what holds")]
        }
        let listing = SettingsListing(
            over: ProgramContext.current.settings, layers: layers, isStrict: connection.settings.strict)
        var findings = listing.refusals.map { refusal -> Finding in
            .problem("settings", refusal, "correct it; settings shows where each one comes from")
        }
        findings += listing.warnings.map { warning -> Finding in
            .warning("settings", warning, "correct the name, or leave it out, unless it is your own")
        }
        findings += listing.notices.map { notice -> Finding in
            .note("settings", notice, "leave it out, unless Python programs share the file")
        }
        if findings.isEmpty { findings.append(.ok("settings", Self.settingsText(listing.rows.count))) }
        return findings
    }

    /// What is said of settings that can be followed.
    static func settingsText(_ count: Int) -> String {
        switch count {
        case 0: "none is set, so that the defaults hold"
        case 1: "1 is set, and can be followed"
        default: "\(count) are set, and can be followed"
        }
    }

    /// The application; nil if none can be made, after the reason was noted.
    private func makeApp(_ findings: inout [Finding]) -> CeleryApp? {
        do {
            let broker = try connection.brokerURL()
            // Settings that cannot be read are told of below, beside what is wrong with the URL.
            let cover = (try? connection.settings.read())?.brokerCover ?? AddressCover()
            findings += AddressExamination.findings("broker", broker, cover: cover)
            let settings = try connection.settings.read()
            if let results = settings.results, results != "rpc" {
                findings += AddressExamination.findings("results", results, cover: settings.resultCover)
            }
            return try connection.makeApp(patience: ConnectionOptions.patience)
        } catch {
            // Settings that are refused, and a bad URL, were told of already.
            if findings.contains(where: { $0.level == .problem }) { return nil }
            if let unnamed = error as? ValidationError {
                findings.append(
                    .problem("broker", unnamed.message, "name a broker with --broker or CELERY_BROKER_URL"))
            } else {
                findings.append(
                    .problem("settings", FailureText.of(error), "correct it; settings shows where each one comes from"))
            }
            return nil
        }
    }

    // MARK: There

    /// Examines what can be reached.
    ///
    /// - Returns: whether the broker was.
    private func examine(_ app: CeleryApp, _ findings: inout [Finding]) async -> Bool {
        let broker = app.client.broker.unwrapped
        do {
            if let examined = broker as? any ExaminedBroker {
                let facts = try await examined.examine(queue: app.configuration.defaultQueue) { Date() }
                findings += ServerExamination.findings(facts)
            } else {
                let text = "\(app.client.broker.name) has no server to examine"
                findings.append(.note("server", text, "look at its folder or program"))
            }
            findings += try await resultFindings(app)
            let transport = transport(of: broker)
            let facts = try await workers(app, transport)
            findings += WorkerExamination(workers: facts, transport: transport).findings
            findings += app.control.trouble.findings
            findings += try await queueFindings(broker)
            return true
        } catch {
            let isUnsupported = (error as? CeleriacError)?.code == .unsupported
            if isUnsupported {
                findings.append(
                    .note("workers", FailureText.of(error), "workers cannot be asked over this transport as it is set"))
                return true
            }
            let (finding, isReached) = ServerExamination.failure("broker", error)
            findings.append(finding)
            return isReached
        }
    }

    private func transport(of broker: any MessageBroker) -> WorkerExamination.Transport {
        switch broker.brokerDescription.transport {
        case "redis", "rediss", "sentinel": .redis
        case "amqp": .rabbitMQ
        default: .other
        }
    }

    private func resultFindings(_ app: CeleryApp) async throws -> [Finding] {
        guard let results = try connection.resultURL() else {
            return [.note("results", "no result store is set", "set result_backend if anybody waits for results")]
        }
        if results.hasPrefix("rpc") { return [] }
        do {
            _ = try await app.result("celeriac.doctor.\(randomUUID())", as: WireValue.self).untyped()
            return [.ok("results", "the result store answers")]
        } catch {
            return [ServerExamination.failure("results", error).finding]
        }
    }

    /// What workers tell when they are asked, and in their heartbeats.
    private func workers(
        _ app: CeleryApp, _ transport: WorkerExamination.Transport
    ) async throws -> [WorkerFacts] {
        let heard = try await heartbeats(app)
        let control = app.control(timeout: .seconds(timeout))
        let confs = try await control.broadcast("conf", ["with_defaults": true], reply: true).map { NodeReply($0) }
        let scheduled = try await control.broadcast("scheduled", reply: true).map { NodeReply($0) }
        // Elsewhere no limit is a queue's own.
        var active: [NodeReply] = []
        if transport == .rabbitMQ {
            active = try await control.broadcast("active_queues", reply: true).map { NodeReply($0) }
        }
        var workers: [String: WorkerFacts] = [:]
        for reply in active {
            guard let served = reply.value.arrayValue else { continue }
            var queues: [String: WireObject] = [:]
            for queue in served {
                guard let name = queue["name"]?.stringValue else { continue }
                queues[name] = queue["queue_arguments"]?.objectValue ?? [:]
            }
            workers[reply.node, default: WorkerFacts(reply.node)].queues = queues
        }
        for reply in confs {
            workers[reply.node, default: WorkerFacts(reply.node)].settings = reply.value.objectValue ?? [:]
        }
        for reply in scheduled {
            let times = (reply.value.arrayValue ?? []).compactMap { item -> Date? in
                item["eta"]?.stringValue.flatMap { CeleryTime.date($0) }
            }
            workers[reply.node, default: WorkerFacts(reply.node)].latestETA = times.max()?.timeIntervalSinceNow
        }
        for event in heard {
            guard let node = event["hostname"]?.stringValue else { continue }
            if let name = event["sw_ident"]?.stringValue {
                let version = event["sw_ver"]?.stringValue ?? ""
                workers[node, default: WorkerFacts(node)].software = "\(name) \(version)"
            }
            if let sent = event["timestamp"]?.doubleValue, let received = event["local_received"]?.doubleValue {
                workers[node, default: WorkerFacts(node)].clockOffset = sent - received
            }
        }
        return workers.values.sorted { $0.node < $1.node }
    }

    /// The heartbeats that come when workers are asked for them.
    private func heartbeats(_ app: CeleryApp) async throws -> [WireObject] {
        let enough = Gate()
        let news = BoundedLane<CeleryEventReceiver.News>(limit: 10_000)
        let timer = app.client.timers.schedule(after: .seconds(timeout)) { enough.open() }
        defer { timer.cancel() }
        try await app.listenToEvents(until: enough) { one in _ = news.put(one) }
        news.close()
        return (await news.take() ?? []).compactMap { one in
            if case .event(let event) = one, event["type"]?.stringValue?.hasPrefix("worker-") == true { return event }
            return nil
        }
    }

    private func queueFindings(_ broker: any MessageBroker) async throws -> [Finding] {
        guard let broker = broker as? any CensusBroker else { return [] }
        let census = try await broker.census(of: connection.knownQueues(), now: Date())
        let paused = try await broker.pausedQueues(among: census.queues.map(\.name))
        var findings: [Finding] = []
        for queue in census.queues {
            if let parked = queue.parked, parked > 0 {
                findings.append(
                    .warning(
                        "queues", "\(queue.name) has \(parked.counting("parked message")), which no worker could run",
                        "parked list --queue \(queue.name) shows why, parked requeue puts messages back"))
            }
            if paused.contains(queue.name) {
                findings.append(
                    .warning("queues", "\(queue.name) is paused", "resume \(queue.name) has workers serve it again"))
            }
        }
        return findings
    }
}
