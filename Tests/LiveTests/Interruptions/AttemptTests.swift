#if AMQP && Redis
import Celeriac
import CeleriacAMQP
import CeleriacTestKit
import Foundation
import Testing

/// Tests that at RabbitMQ an attempt is a beginning: a task that kills its process is parked, and alone.
@Suite("Attempts at RabbitMQ", .serialized)
struct AttemptTests {
    private static let die = TaskDefinition<String, String, String, String>("tasks.die")

    @Test(
        "A task that kills its process is parked alone", .timeLimit(.minutes(5)),
        arguments: AttemptCase.all + AttemptCase.newer)
    func poison(_ kind: AttemptCase) async throws {
        let site = try await AttemptSite(kind)
        let texts = (10..<40).map { "\($0)" }
        var calls = texts.map { MatrixTasks.held(site.path, $0, "") }
        // Some begin beside it, others in the worker's window wait behind it.
        calls.insert(Self.die(site.path, "poison", ""), at: 2)
        let poison = try await site.sender.send(calls, options: SendOptions(ignoresResult: true))[2].id
        var workers: [LiveWorkerProcess] = []
        do {
            try await expectParked(poison, beside: texts, on: site, by: &workers)
        } catch is CancellationError {
            Issue.record("out of time: \(await account(of: workers, on: site))")
        }
        await site.close()
    }

    /// Runs a worker after the other until the task that ends them is parked.
    private func expectParked(
        _ poison: String, beside texts: [String], on site: AttemptSite, by workers: inout [LiveWorkerProcess]
    ) async throws {
        var deaths = 0
        while true {
            let worker = try site.launch()
            workers.append(worker)
            try await until {
                if worker.child.status != nil { return true }
                let parked = try await site.depth("\(site.queue).parked")
                return parked > 0 && Set(recorded(site.path)).count == texts.count
            }
            try Task.checkCancellation()
            guard worker.child.status != nil else {
                #expect(await worker.stop() == .exited(0), "\(worker.logged)")
                break
            }
            try #require(worker.child.status == .signalled(SIGKILL), "\(worker.logged)")
            deaths += 1
            if deaths > 6 {
                Issue.record("it died once more: \(await account(of: workers, on: site))")
                return
            }
        }
        // Its first beginning was not counted, five were.
        #expect(recorded(site.path + ".begun").filter { $0 == "poison swift" }.count == 6)
        #expect(deaths == 6)
        #expect(Set(recorded(site.path)) == Set(texts.map { "\($0) swift" }))
        try await endWhatIsLeft(on: site, by: &workers)
        try await until { try await site.depth("\(site.queue).parked") == 1 }
        let channel = try await site.client.connection().openChannel()
        let parked = try #require(try await channel.get(queue: "\(site.queue).parked"))
        #expect(parked.message.headers["x-celeriac-reason"] == "tooManyAttempts")
        #expect(String(decoding: parked.message.body, as: UTF8.self).contains("poison"))
        // A count of another may stay for its day, if the process died before it was forgotten.
        try await until { try await !site.counters().contains { $0.contains(poison) } }
        try Task.checkCancellation()
    }

    /// Lets workers end what the last one gave back: tasks that had ended beside a death, unsettled, and that waited for
    /// their turn.
    private func endWhatIsLeft(on site: AttemptSite, by workers: inout [LiveWorkerProcess]) async throws {
        func left() async throws -> Int {
            try await site.depth(site.queue) + site.depth("\(site.queue).redelivered")
        }
        while case let count = try await left(), count > 0 {
            try Task.checkCancellation()
            let worker = try site.launch()
            workers.append(worker)
            try await until {
                let ended = worker.logged.split(separator: "\n").count { $0.contains("task succeeded") }
                if ended >= count { return true }
                // A quorum queue tells late how many messages it has: there may have been fewer.
                return try await site.kind.queueType == "quorum" ? left() == 0 : false
            }
            #expect(await worker.stop() == .exited(0), "\(worker.logged)")
        }
    }

    /// What is where and what each worker logged, for a failure to explain itself.
    private func account(of workers: [LiveWorkerProcess], on site: AttemptSite) async -> String {
        var lines = ["\(recorded(site.path + ".begun").count) began, \(recorded(site.path).count) ended"]
        for queue in [site.queue, "\(site.queue).redelivered", "\(site.queue).parked"] {
            // The time limit has cancelled this task.
            let depth = await Task { try? await site.depth(queue) }.value
            lines.append("\(queue): \(depth.map { "\($0)" } ?? "unknown")")
        }
        lines.append("counters: \((await Task { try? await site.counters() }.value) ?? [])")
        for (number, worker) in workers.enumerated() { lines.append("worker \(number + 1):\n\(worker.logged)") }
        return lines.joined(separator: "\n")
    }

    /// RabbitMQ 4 drops a message after 20 deliveries more, unless told otherwise, and each death is one for all that the
    /// worker held.
    @Test(
        "What waits behind many tasks that kill their process outlives more deaths than RabbitMQ allows deliveries",
        .timeLimit(.minutes(10)),
        arguments: [AttemptCase(dialect: "celery", queueType: "quorum", countsInStore: true, deliveryLimit: 20)]
            + AttemptCase.newer.filter { $0.dialect == "celery" && $0.countsInStore })
    func manyPoisons(_ kind: AttemptCase) async throws {
        let site = try await AttemptSite(kind)
        let texts = (10..<20).map { "\($0)" }
        // A worker that runs one at a time begins with all of these before it comes to the others.
        let poisons = (0..<5).map { Self.die(site.path, "poison\($0)", "") }
        _ = try await site.sender.send(
            poisons + texts.map { MatrixTasks.held(site.path, $0, "") }, options: SendOptions(ignoresResult: true))
        func areDone() async throws -> Bool {
            guard try await site.depth("\(site.queue).parked") == poisons.count else { return false }
            return Set(recorded(site.path)).count == texts.count
        }
        var workers: [LiveWorkerProcess] = []
        var deaths = 0
        while !Task.isCancelled, deaths <= 60 {
            let worker = try site.launch(concurrency: 1)
            workers.append(worker)
            try await until {
                if worker.child.status != nil { return true }
                return try await areDone()
            }
            guard worker.child.status == .signalled(SIGKILL) else { break }
            deaths += 1
        }
        let last = try #require(workers.last)
        #expect(await last.stop() == .exited(0), "\(last.logged)")
        // Each begins once uncounted, unless it has come back by then, and five times counted.
        #expect(deaths >= 5 * poisons.count && deaths <= 6 * poisons.count)
        #expect(Set(recorded(site.path)) == Set(texts.map { "\($0) swift" }))
        let told = await account(of: Array(workers.suffix(3)), on: site)
        #expect(try await areDone(), "\(told)")
        await site.close()
    }

    /// Machinery's delayed tasks wait at the broker.
    @Test(
        "Tasks that wait for their time outlive twelve restarts of their only worker", .timeLimit(.minutes(5)),
        arguments: AttemptCase.all.filter { $0.dialect == "celery" } + [
            AttemptCase(dialect: "celery", queueType: "quorum", countsInStore: false, deliveryLimit: 3)
        ] + AttemptCase.newer.filter { $0.dialect == "celery" })
    func restarts(_ kind: AttemptCase) async throws {
        let site = try await AttemptSite(kind)
        let texts = (10..<20).map { "\($0)" }
        try await site.sender.send(
            texts.map { MatrixTasks.held(site.path, $0, "") },
            options: SendOptions(eta: .now + 36, ignoresResult: true))
        // A quorum queue takes them back so often that they are published anew in between.
        var workers: [LiveWorkerProcess] = []
        do {
            for _ in 0..<12 {
                let worker = try site.launch()
                workers.append(worker)
                try await worker.consumes()
                try await until { try await site.depth(site.queue) == 0 }
                #expect(await worker.stop() == .exited(0), "\(worker.logged)")
            }
            let last = try site.launch()
            workers.append(last)
            await until { recorded(site.path).count >= texts.count }
            try Task.checkCancellation()
            #expect(await last.stop() == .exited(0), "\(last.logged)")
        } catch is CancellationError {
            Issue.record("out of time: \(await account(of: workers, on: site))")
        }
        let ends = texts.map { "\($0) swift" }
        #expect(recorded(site.path + ".begun").sorted() == ends)
        #expect(recorded(site.path).sorted() == ends)
        for queue in [site.queue, "\(site.queue).redelivered", "\(site.queue).parked"] {
            #expect(try await site.depth(queue) == 0, "\(queue)")
        }
        #expect(try await site.counters().isEmpty)
        await site.close()
    }
}
#endif
