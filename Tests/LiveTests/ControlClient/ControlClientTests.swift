import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// Tests a Swift client's remote control of real Python workers, and of Swift workers.
@Suite("Remote control by Swift", .serialized)
struct ControlClientTests {
    typealias Transport = ControlClientSite.Transport
    typealias Language = ControlClientSite.Language

    @Test(
        "inspects a worker", .timeLimit(.minutes(5)), arguments: Transport.available, Language.allCases)
    func inspection(_ transport: Transport, _ language: Language) async throws {
        let site = try await ControlClientSite(transport)
        let peer = try await site.start(language)
        // One reply ends the wait.
        let control = site.app.control(destination: [peer.name], timeout: .seconds(120))
        #expect(try only(await control.ping(), from: peer.name) == "pong")

        let running = try await site.app.send(MatrixTasks.slow(600))
        try await until { try only(await control.active()).map(\.id) == [running.id] }
        let active = try #require(try only(await control.active()).first)
        #expect(active.name == "tasks.slow" && active.arguments == [600.0] && active.keywordArguments == [:])
        #expect(active.state == "active" && active.routingKey == "celery" && !active.isRedelivered)
        #expect(try #require(active.startTime) > Date(timeIntervalSince1970: 1_700_000_000))
        #expect(active.processID != nil)
        #expect(try only(await control.active(safe: true)).first?.arguments.stringValue?.contains("600") == true)
        // A Python worker on a folder waits for room in its pool, and hears nothing meanwhile.
        let crowds = transport != .folder || language == .swift
        let waiting = crowds ? [try await site.app.send(MatrixTasks.slow(0.001)).id] : []
        let later = try await site.app.send(MatrixTasks.add(1, 2), countdown: .seconds(300))
        try await until { try only(await control.reserved()).map(\.id) == waiting }
        try await until { try only(await control.scheduled()).map(\.id) == [later.id] }
        let scheduled = try #require(try only(await control.scheduled()).first)
        #expect(try #require(scheduled.eta) > Date() && scheduled.name == "tasks.add")
        let found = try only(await control.queryTask([running.id] + waiting + [later.id, "other"]))
        #expect(
            found.map { [$0.id, $0.state] }.sorted { $0[1] < $1[1] }
                == [[running.id, "active"]] + waiting.map { [$0, "reserved"] } + [[later.id, "scheduled"]])

        #expect(try only(await control.revoked()) == [])
        #expect(try only(await control.registered()).contains("tasks.add"))
        #expect(try only(await control.registered(taskInfoItems: ["name"])).contains("tasks.add [name=tasks.add]"))
        let stats = try only(await control.stats())
        #expect(stats["pool"]?["max-concurrency"] == 1 && stats["total"]?["tasks.slow"] == 1)
        // Its first connection to the result store may take long.
        try await until { try only(await control.readiness(), from: peer.name).isEmpty }
        #expect(try only(await control.report()).contains("software -> celery:"))
        #expect(try only(await control.conf())["broker_url"] != nil)
        #expect(try only(await control.conf(withDefaults: true))["control_exchange"] == "celery")
        #expect(try only(await control.activeQueues()).map { $0["name"] } == ["celery"])
        #expect(try only(await control.clock()) > 0)

        try await control.terminate([running.id] + waiting + [later.id])
        try await until { try only(await control.active()).isEmpty }
        await peer.stop()
        await site.close()
    }

    @Test(
        "ends a task whose caller is cancelled", .timeLimit(.minutes(5)), arguments: Transport.available,
        Language.allCases)
    func cancelledCaller(_ transport: Transport, _ language: Language) async throws {
        let site = try await ControlClientSite(transport)
        let peer = try await site.start(language)
        let control = site.app.control(destination: [peer.name], timeout: .seconds(120))
        let running = try await site.app.send(MatrixTasks.slow(600))
        try await until { try only(await control.active()).map(\.id) == [running.id] }
        let caller = Task { _ = try await running.revokingIfCancelled(terminate: true).get() }
        caller.cancel()
        await #expect(throws: (any Error).self) { try await caller.value }
        try await until { try only(await control.active()).isEmpty }
        await peer.stop()
        await site.close()
    }

    @Test(
        "revokes and terminates tasks", .timeLimit(.minutes(5)), arguments: Transport.available, Language.allCases)
    func revocation(_ transport: Transport, _ language: Language) async throws {
        let site = try await ControlClientSite(transport)
        let peer = try await site.start(language)
        let control = site.app.control(destination: [peer.name], timeout: .seconds(120))
        let running = try await site.app.send(MatrixTasks.slow(600))
        try await until { try only(await control.active()).map(\.id) == [running.id] }
        let later = try await site.app.send(MatrixTasks.add(1, 2), countdown: .seconds(300))
        let crew = try await site.app.send(
            group([MatrixTasks.add(1, 2), MatrixTasks.add(3, 4)]), options: SendOptions(countdown: .seconds(300)))
        try await until { try only(await control.scheduled()).count == 3 }

        #expect(try only(await control.revoke(later.id, reply: true)) == "tasks {'\(later.id)'} flagged as revoked")
        try await crew.revoke()
        let revoked = Set([later.id] + crew.results.map(\.id))
        try await until { try Set(only(await control.revoked())) == revoked }
        // Whoever has the handle needs no names of workers.
        try await running.revoke(terminate: true)
        await #expect {
            try await running.get(timeout: .seconds(60))
        } throws: {
            ($0 as? RemoteTaskError)?.state == .revoked
        }
        try await until { try only(await control.active()).isEmpty }
        let unknown = try await control.revoke(["nobody's"], terminate: true, signal: "SIGKILL", reply: true)
        #expect(try only(unknown) == "terminate: tasks unknown")
        let second = try await site.app.send(MatrixTasks.slow(600))
        try await until { try only(await control.active()).map(\.id) == [second.id] }
        #expect(try only(await control.terminate([second.id], reply: true)) == "terminate: \(second.id)")
        try await until { try only(await control.active()).isEmpty }

        let stamped = try await control.revokeByStampedHeaders(["customer": "acme"], reply: true)
        #expect(try only(stamped) == "headers {'customer': 'acme'} flagged as revoked, but not terminated")
        #expect(
            try refusal(await control.revoke("x", terminate: true, signal: "SIGNOPE", reply: true)).contains("SIGNOPE"))
        #expect(try await site.app.send(MatrixTasks.add(2, 3)).get(timeout: .seconds(60)) == 5)
        await peer.stop()
        await site.close()
    }

    @Test(
        "changes how a worker works, and ends it", .timeLimit(.minutes(5)),
        arguments: Transport.available, Language.allCases)
    func changes(_ transport: Transport, _ language: Language) async throws {
        let site = try await ControlClientSite(transport)
        let peer = try await site.start(language)
        let control = site.app.control(destination: [peer.name], timeout: .seconds(120))

        let limited = try await control.rateLimit("tasks.add", RateLimit("100/m"), reply: true)
        #expect(try only(limited) == "new rate limit set successfully")
        #expect(try only(await control.registered()).contains("tasks.add [rate_limit=100/m]"))
        #expect(
            try only(await control.rateLimit("tasks.add", nil, reply: true)) == "rate limit disabled successfully")
        #expect(try refusal(await control.rateLimit("nope", RateLimit("1/s"), reply: true)) == "unknown task")
        let timed = try await control.timeLimit("tasks.slow", soft: .seconds(60), hard: .seconds(90.5), reply: true)
        #expect(try only(timed) == "time limits set successfully")
        let shown = try only(await control.registered(taskInfoItems: ["time_limit"]))
        #expect(shown.contains("tasks.slow [time_limit=90.5]"))
        #expect(try refusal(await control.timeLimit("nope", reply: true)) == "unknown task")

        #expect(try only(await control.poolGrow(2, reply: true)) == "pool will grow")
        try await until { try concurrency(await control.stats(), language) == 3 }
        #expect(try only(await control.poolShrink(reply: true)) == "pool will shrink")
        try await until { try concurrency(await control.stats(), language) == 2 }
        #expect(
            try refusal(await control.autoscale(max: 3, min: 1, reply: true)) == "ValueError('Autoscale not enabled')")
        #expect(
            try refusal(await control.poolRestart(reply: true)) == "ValueError('Pool restarts not enabled')")
        let unknown = try await control.broadcast("no_such_command", reply: true)
        #expect(try refusal(unknown) == "KeyError('no_such_command')")

        if transport == .folder, language == .swift {
            #expect(try refusal(await control.addConsumer("other", reply: true)).hasPrefix("NotImplementedError("))
        } else {
            let added = try await control.addConsumer(
                "other", exchange: "media", exchangeType: "topic", routingKey: "other", reply: true)
            #expect(try only(added) == "add consumer other")
            try await until {
                try Set(only(await control.activeQueues()).map { $0["name"] }) == ["celery", "other"]
            }
            let sent = try await site.app.send(MatrixTasks.add(1, 2), queue: "other")
            #expect(try await sent.get(timeout: .seconds(60)) == 3)
            #expect(try only(await control.cancelConsumer("other", reply: true)) == "no longer consuming from other")
            try await until { try only(await control.activeQueues()).map { $0["name"] } == ["celery"] }
        }
        let enabled = try only(await control.enableEvents(reply: true))
        #expect(["task events enabled", "task events already enabled"].contains(enabled))
        #expect(try only(await control.disableEvents(reply: true)).hasPrefix("task events"))
        try await control.heartbeat()
        #expect(try only(await control.ping()) == "pong")
        try await control.shutdown()
        try await peer.end()
        await site.close()
    }

    @Test("finds workers by name and by pattern", .timeLimit(.minutes(5)), arguments: Transport.available)
    func addressees(_ transport: Transport) async throws {
        let site = try await ControlClientSite(transport)
        let python = try await site.start(.python)
        let swift = try await site.start(.swift)
        func names(_ control: CeleryControl) async throws -> Set<String> {
            Set(try await control.ping().map(\.node))
        }
        let app = site.app
        let patience = Duration.seconds(30)
        #expect(try await names(app.control(timeout: patience, limit: 2)) == [python.name, swift.name])
        #expect(
            try await names(app.control(destination: [swift.name, python.name], timeout: patience))
                == [python.name, swift.name])
        #expect(try await names(app.control(destination: [python.name], timeout: patience)) == [python.name])
        // Two replies would come, if a pattern were not heeded, before the time is over.
        let short = Duration.seconds(3)
        #expect(try await names(app.control(pattern: "swift@*", timeout: short)) == [swift.name])
        #expect(
            try await names(app.control(pattern: #"python-\d+@"#, matcher: "pcre", timeout: short)) == [python.name])
        #expect(try await names(app.control(pattern: "nobody*", timeout: short)) == [])
        #expect(try await names(app.control(destination: ["nobody@nowhere"], timeout: .milliseconds(300))) == [])
        #expect(try await app.control(destination: ["nobody@nowhere"], timeout: .milliseconds(300)).stats().isEmpty)

        // Several calls at the same time get the replies that are theirs.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for peer in [python.name, swift.name, python.name, swift.name] {
                group.addTask {
                    let control = app.control(destination: [peer], timeout: patience)
                    let pong = try only(await control.ping(), from: peer)
                    let queues = try only(await control.activeQueues(), from: peer)
                    #expect(pong == "pong" && queues.map { $0["name"] } == ["celery"])
                }
            }
            try await group.waitForAll()
        }
        await python.stop()
        await swift.stop()
        await site.close()
    }

    /// How many tasks run at once: in Python as many as there are processes, whatever the worker was started with.
    private func concurrency(_ stats: [ControlReply<WireObject>], _ language: Language) throws -> Int? {
        let pool = try only(stats)["pool"]
        return switch language {
        case .python: pool?["processes"]?.arrayValue?.count
        case .swift: pool?["max-concurrency"]?.intValue
        }
    }
}
