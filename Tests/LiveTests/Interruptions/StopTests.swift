import CeleriacTestKit
import Foundation
import Testing

/// Tests that a worker stops in time whatever its server does, and that its messages are not lost.
@Suite("Stops", .serialized)
struct StopTests {
    /// What happens to the server before the worker is to stop.
    enum Trouble: String, CaseIterable, CustomTestStringConvertible {
        case frozen, killed, refusing

        var testDescription: String { rawValue }

        func begin(at server: LiveServer) async throws {
            switch self {
            case .frozen: server.signal(SIGSTOP)
            case .killed: server.signal(SIGKILL)
            case .refusing: try await server.refuseLogins()
            }
        }

        func end(at site: some LiveSite) async throws {
            switch self {
            case .frozen: site.server.signal(SIGCONT)
            case .killed: try await site.restart()
            case .refusing: try await site.server.acceptLogins()
            }
        }
    }

    @Test(
        "SIGTERM while the server is in trouble and 4 tasks run", .timeLimit(.minutes(5)),
        arguments: InterruptedSite.available, Trouble.allCases)
    func bound(_ kind: InterruptedSite, _ trouble: Trouble) async throws {
        try await bound(at: kind.site(visibilityTimeout: 5), trouble)
    }

    private func bound(at site: some LiveSite, _ trouble: Trouble) async throws {
        let busy = try await BusyWorker.start(on: site, stopTimeout: 3)
        let child = busy.process.child
        try await trouble.begin(at: site.server)
        // Without a bound, the stop takes 38 s or longer.
        await child.stop(grace: .seconds(25))
        let log = busy.process.logged
        #expect(child.status == .exited(0), "\(log)")
        // What a stop cuts off is no failure.
        let falseAlarms = log.split(separator: "\n").filter { $0.contains(" warning ") && $0.contains("owner closed") }
        #expect(falseAlarms.isEmpty)
        try await recover(busy, at: site, from: trouble)
    }

    @Test(
        "A second SIGTERM while the server is frozen", .timeLimit(.minutes(5)), arguments: InterruptedSite.available)
    func secondSignal(_ kind: InterruptedSite) async throws {
        try await secondSignal(at: kind.site(visibilityTimeout: 5))
    }

    private func secondSignal(at site: some LiveSite) async throws {
        let busy = try await BusyWorker.start(on: site, stopTimeout: 3600)
        let child = busy.process.child
        site.server.signal(SIGSTOP)
        let deadline = ContinuousClock.now + .seconds(25)
        // The process may take two signals that come at once for one.
        await until {
            child.signal(SIGTERM)
            return child.status != nil || ContinuousClock.now > deadline
        }
        #expect(child.status == .exited(0), "\(busy.process.logged)")
        await child.kill()
        try await recover(busy, at: site, from: .frozen)
    }

    /// Expects that another worker runs all tasks once the server is back.
    private func recover<Site: LiveSite>(
        _ busy: BusyWorker<Site>, at site: Site, from trouble: Trouble
    ) async throws {
        if trouble == .frozen {
            let log = busy.process.logged
            #expect(
                log.contains("the worker waits no longer for its stop to complete")
                    || log.contains("the broker does not confirm that the worker consumes no longer"))
            #expect(log.contains("\(site.window) claimed; another") || log.contains("; RabbitMQ gives it to other"))
        }
        #expect(recorded(busy.path).isEmpty)
        try await trouble.end(at: site)
        busy.letGo()
        let stopOther = try await site.startOtherWorker()
        await until { recorded(busy.path).count >= busy.texts.count }
        try await until { try await site.messages() == (0, 0) }
        await stopOther()
        #expect(recorded(busy.path).sorted() == busy.texts.map { "\($0) \(site.otherWorker)" })
        await site.close()
    }

    @Test(
        "SIGTERM of an idle worker while the server is frozen: it does not use up its time, and alarms nobody",
        .timeLimit(.minutes(5)), arguments: InterruptedSite.available)
    func idle(_ kind: InterruptedSite) async throws { try await idle(at: kind.site()) }

    private func idle(at site: some LiveSite) async throws {
        // With nothing to lose, the worker leaves the server long before the 25 s that it has.
        let worker = try await LiveWorkerProcess.start(on: site)
        site.server.signal(SIGSTOP)
        await worker.child.stop(grace: .seconds(20))
        let log = worker.logged
        #expect(worker.child.status == .exited(0), "\(log)")
        #expect(!log.contains("waits no longer for its stop") && !log.contains("unsettled"), "\(log)")
        site.server.signal(SIGCONT)
        await site.close()
    }

    @Test(
        "SIGTERM of a worker whose server was never there", .timeLimit(.minutes(5)),
        arguments: InterruptedSite.available)
    func neverReady(_ kind: InterruptedSite) async throws { try await neverReady(at: kind.site()) }

    private func neverReady(at site: some LiveSite) async throws {
        site.server.signal(SIGKILL)
        let worker = try await LiveWorkerProcess.start(on: site, untilLogged: "the broker is out of reach")
        await worker.child.stop(grace: .seconds(25))
        let log = worker.logged
        #expect(worker.child.status == .exited(0), "\(log)")
        // The reason is the server's, and nobody has asked for notes of queues.
        #expect(!log.contains("paused") && !log.contains("owner closed"), "\(log)")
        await site.close()
    }
}
