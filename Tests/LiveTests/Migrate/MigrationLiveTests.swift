#if AMQP && Redis
import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// `celeriac migrate` with 10,000 messages that wait.
@Suite("Migrations between brokers", .serialized, .timeLimit(.minutes(15)))
struct MigrationLiveTests {
    private static let count = 10_000

    @Test("Redis to RabbitMQ and back while producers go on: counts, order within a priority, times")
    func thereAndBack() async throws {
        let site = try await MigrationSite()
        let (redis, rabbitMQ) = (site.redis.app, site.rabbitMQ.app)
        try await MigrationSite.send(0..<Self.count, from: redis)
        let before = try await MigrationSite.waiting(at: redis)
        #expect(before.count == Self.count && Set(before.map(\.id)).count == Self.count)
        #expect(Set(before.map(\.priority)) == [0, 3, 6, 9] && before.contains { $0.eta != nil })
        #expect(MigrationSite.isInOrder(before))

        let drivers = (
            redis: try await site.redis.python.startDriver(), rabbitMQ: try await site.rabbitMQ.python.startDriver()
        )
        let there = try site.migrate(site.redis, site.rabbitMQ, "--follow")
        let (late, pythons) = (1000, 300)
        // The producers go on while the migration runs.
        var sent = Self.count
        try await MigrationSite.send(sent..<sent + late, from: redis)
        sent += late
        try await MigrationSite.send(sent..<sent + pythons, from: drivers.redis)
        sent += pythons
        let all = sent
        try await until { try await MigrationSite.depth(at: rabbitMQ) >= all }
        let (status, logged) = await there.stop()
        #expect(status == .exited(0), "\(logged)")
        let told = try MigrationSite.report(logged)
        #expect(told["moved"] == .int(Int64(all)) && told["left"] == 0 && told["recognized"] == 0)
        #expect(try await MigrationSite.depth(at: redis) == 0)
        let moved = try await MigrationSite.waiting(at: rabbitMQ)
        #expect(moved.map(\.number).sorted() == Array(0..<all))
        #expect(Set(moved).isSuperset(of: before) && MigrationSite.isInOrder(moved))
        try checkPythons(moved, count: pythons)

        let back = try site.migrate(site.rabbitMQ, site.redis, "--follow")
        try await MigrationSite.send(all..<all + late, from: rabbitMQ)
        try await MigrationSite.send(all + late..<all + late + pythons, from: drivers.rabbitMQ)
        let total = all + late + pythons
        try await until { try await MigrationSite.depth(at: redis) >= total }
        let (end, text) = await back.stop()
        #expect(end == .exited(0), "\(text)")
        let report = try MigrationSite.report(text)
        #expect(report["moved"] == .int(Int64(total)) && report["left"] == 0)
        #expect(try await MigrationSite.depth(at: rabbitMQ) == 0)
        let returned = try await MigrationSite.waiting(at: redis)
        #expect(returned.map(\.number).sorted() == Array(0..<total))
        #expect(Set(returned).isSuperset(of: moved) && MigrationSite.isInOrder(returned))
        try checkPythons(returned, count: 2 * pythons)
        for driver in [drivers.redis, drivers.rabbitMQ] { await driver.stop() }
        await site.close()
    }

    /// Tests that as many of Python's tasks have kept their time as had one.
    private func checkPythons(_ waiting: [MigrationSite.Waiting], count: Int) throws {
        let timed = waiting.filter { $0.eta == MigrationSite.pythonsETA }
        #expect(timed.count == count / 10 && timed.allSatisfy { $0.number % 10 == 9 })
    }

    @Test("SIGKILL in the middle, and the same command again: nothing is lost, one batch at most is doubled")
    func killed() async throws {
        for isBack in [false, true] {
            let site = try await MigrationSite()
            let (source, target) = isBack ? (site.rabbitMQ, site.redis) : (site.redis, site.rabbitMQ)
            try await MigrationSite.send(0..<Self.count, from: source.app)
            let before = try await MigrationSite.waiting(at: source.app)
            // Slow enough to be in the middle.
            let first = try site.migrate(source, target, "--rate", "2000")
            try await until {
                let depth = try await MigrationSite.depth(at: target.app)
                if depth == 0 { try #require(first.child.status == nil, "it ended: \(first.logged)") }
                return depth >= Self.count / 10
            }
            await first.child.kill()
            #expect(first.child.status == .signalled(SIGKILL))
            #expect(try await MigrationSite.depth(at: target.app) < Self.count)

            let second = try site.migrate(source, target)
            let (status, logged) = await second.end()
            #expect(status == .exited(0), "\(logged)")
            #expect(try MigrationSite.report(logged)["left"] == 0)
            #expect(try await MigrationSite.depth(at: source.app) == 0)
            let after = try await MigrationSite.waiting(at: target.app)
            #expect(Set(after) == Set(before), "lost: \(Set(before).subtracting(after).count)")
            #expect(after.count - before.count <= 100)
            // The first copies keep the order, wherever the second ones are.
            var seen: Set<String> = []
            let once = after.filter { seen.insert($0.id).inserted }
            #expect(MigrationSite.ordered(once) == MigrationSite.ordered(before))
            await site.close()
        }
    }

    @Test("a Python worker at the new broker runs what is sent to the old one, also meanwhile, with its times")
    func python() async throws {
        let (source, target) = (try await BrokerSite(.redis), try await BrokerSite(.rabbitMQRedis))
        let app = try CeleryApp(broker: source.broker, results: target.results)
        let driver = try await PythonPeer(broker: source.broker, results: target.results).startDriver()
        let add = TaskDefinition<Int, Int, Int>("tasks.add")
        var sent = try await app.send((0..<50).map { add($0, 1) })
        for number in 50..<55 { sent.append(try await app.send(add(number, 1), countdown: .seconds(8))) }
        let stopPython = try await target.startOtherWorker()
        let move = try ProgramProcess(
            [
                "migrate", "-b", source.broker, "--to", target.broker, "--json", "--follow", "--journal",
                "\(source.folder.path)/python.journal",
            ], in: source.folder)
        // Once this has a result, the migration is under way.
        let first = sent[0]
        #expect(try await first.get(timeout: .seconds(120)) == 1)
        let messages = (0..<20).map { number in PythonDriver.Message("tasks.add", [.int(Int64(number)), 100]) }
        let late = try await driver.send(messages)
        for (number, outcome) in try await driver.get(late, timeout: .seconds(120)).enumerated() {
            #expect(outcome == .success(.int(Int64(number) + 100)))
        }
        for (number, result) in sent.enumerated() {
            #expect(try await result.get(timeout: .seconds(120)) == number + 1)
        }
        let (status, logged) = await move.stop()
        #expect(status == .exited(0), "\(logged)")
        #expect(try MigrationSite.report(logged)["moved"] == 75)
        await stopPython()
        #expect(try await source.messages() == (0, 0))
        await driver.stop()
        await app.close()
        await source.close()
        await target.close()
    }

    @Test("what a killed worker held in Redis comes along once its claims have expired")
    func expiredClaims() async throws {
        let source = try await BrokerSite(.redis, visibilityTimeout: 1)
        let target = try await BrokerSite(.rabbitMQ)
        let busy = try await BusyWorker.start(on: source)
        await busy.process.child.kill()
        #expect(try await source.messages() == (0, source.window))
        let settings = "\(source.folder.path)/short.yaml"
        try Data("broker_transport_options: {visibility_timeout: 1}\n".utf8).write(to: URL(filePath: settings))
        // It goes on until the claims have expired, which nobody waits for by the clock.
        let move = try ProgramProcess(
            [
                "migrate", "-b", source.broker, "--config", settings, "--to", target.broker, "--json", "--follow",
                "--journal", "\(source.folder.path)/claims.journal",
            ], in: source.folder)
        try await until {
            try #require(move.child.status == nil, "it ended: \(move.logged)")
            return try await target.messages() == (source.window, 0)
        }
        let (status, logged) = await move.stop()
        #expect(status == .exited(0), "\(logged)")
        #expect(try await source.messages() == (0, 0))
        await source.close()
        await target.close()
    }

    @Test("a target that goes away in the middle ends the run, and the next one goes on")
    func targetLost() async throws {
        let site = try await MigrationSite()
        try await MigrationSite.send(0..<2000, from: site.redis.app)
        let first = try site.migrate(site.redis, site.rabbitMQ, "--rate", "500")
        try await until { try await MigrationSite.depth(at: site.rabbitMQ.app) >= 200 }
        try await site.rabbitMQ.restart()
        let (status, logged) = await first.end()
        // It may not have noticed: a publication between two batches connects again.
        #expect(status == .exited(69) || status == .exited(0) || status == .exited(1), "\(logged)")
        let second = try site.migrate(site.redis, site.rabbitMQ)
        let (end, text) = await second.end()
        #expect(end == .exited(0), "\(text)")
        let after = try await MigrationSite.waiting(at: site.rabbitMQ.app)
        #expect(Set(after.map(\.number)) == Set(0..<2000))
        #expect(after.count - 2000 <= 100)
        await site.close()
    }

    @Test("RabbitMQ's levels: tasks that wait there for their time come to Redis with it, and back into the levels")
    func levels() async throws {
        let site = try await MigrationSite()
        let yaml = """
            task_default_queue: video
            task_queues:
              - name: video
                exchange: {name: media, type: topic}
                routing_key: video.import
                queue_arguments: {x-queue-type: quorum}
            """
        let path = "\(site.redis.folder.path)/quorum.yaml"
        try Data(yaml.utf8).write(to: URL(filePath: path))
        let settings = try CelerySettings(yaml: Array(yaml.utf8))
        let app = try CeleryApp(broker: site.rabbitMQ.broker, configuration: settings.configuration)
        for number in 0..<20 { try await app.send(MigrationSite.add(number), countdown: .seconds(100_000)) }
        func run(_ arguments: String...) async throws -> WireValue {
            let process = try ProgramProcess(
                ["migrate", "-Q", "video", "--json", "--journal", "\(site.redis.folder.path)/levels.journal"]
                    + arguments, in: site.redis.folder)
            let (status, logged) = await process.end()
            #expect(status == .exited(0), "\(logged)")
            return try MigrationSite.report(logged)
        }
        #expect(try await app.client.broker.depth(of: "video") == 0)
        let there = try await run("-b", site.rabbitMQ.broker, "--config", path, "--to", site.redis.broker)
        #expect(there["moved"] == 20 && there["scheduled"] == 20 && there["source_delayed"] == 0)
        #expect(try await site.redis.app.client.broker.depth(of: "video") == 20)
        let back = try await run("-b", site.redis.broker, "--to", site.rabbitMQ.broker, "--to-config", path)
        #expect(back["moved"] == 20 && back["scheduled"] == 20)
        // They wait in the levels again.
        #expect(try await app.client.broker.depth(of: "video") == 0)
        let again = try await run("-b", site.rabbitMQ.broker, "--config", path, "--to", site.redis.broker)
        #expect(again["moved"] == 20)
        await app.close()
        await site.close()
    }
}
#endif
