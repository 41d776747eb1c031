#if Redis
import Celeriac
import CeleriacTestKit
import Foundation
import Testing

/// Tests workflows whose parts run in both languages. The header of a chord, its body, the link after it and the error
/// callback each run in Python or in Swift, in all sixteen combinations, sent by Python and by Swift.
@Suite("Mixed crews", .serialized)
struct MixedCrewTests {
    /// Where the parts run; the bits stand for the header, the body, the next link and the error callback.
    private struct Crew: CustomStringConvertible {
        let number: Int
        private func queue(_ bit: Int) -> String { number >> bit & 1 == 0 ? "celery" : "swift" }
        var header: String { queue(0) }
        var body: String { queue(1) }
        var next: String { queue(2) }
        var errback: String { queue(3) }
        var description: String { "header \(header), body \(body), next \(next), errback \(errback)" }
    }

    @Test("All sixteen combinations work", .timeLimit(.minutes(5)), arguments: MatrixTransport.holdingChords)
    fileprivate func sixteenWays(_ transport: MatrixTransport) async throws {
        let site = try await MatrixSite(transport)
        let python = try await site.python.startWorker(pool: .threads, concurrency: 4, queues: ["celery"])
        let driver = try await site.python.startDriver()
        let worker = site.app.worker(queues: ["swift"], concurrency: 4) { MatrixTasks.handlers }
        try await withRunning(worker) {
            let crews = (0..<16).map { Crew(number: $0) }
            try await succeed(crews, site, driver)
            for crew in crews { try await sendFailing(crew, site, driver) }
            for crew in crews { await until { !recorded(failures(crew, site)).isEmpty } }
        }
        await driver.stop()
        await python.stop()
        await site.close()
    }

    /// Runs (1+1, 2+2) → sum → +10, sent from both sides. Everything is sent before any result is awaited.
    private func succeed(_ crews: [Crew], _ site: MatrixSite, _ driver: PythonDriver) async throws {
        var ids: [String] = []
        var results: [AsyncResult<Int>] = []
        for crew in crews {
            let tree: WireValue = [
                "chain": [
                    [
                        "chord": [task("tasks.add", [1, 1], crew.header), task("tasks.add", [2, 2], crew.header)],
                        "body": task("tasks.sum_ints", [], crew.body),
                    ],
                    task("tasks.add", [10], crew.next),
                ]
            ]
            ids.append(try #require(try await driver.ask("canvas", ["canvas": tree])["id"]?.stringValue))
            let add = TaskDefinition<Int, Int, Int>("tasks.add").with(SendOptions(queue: crew.header))
            let sum = TaskDefinition<[Int], Int>("tasks.sum_ints").with(SendOptions(queue: crew.body))
            let more = TaskDefinition<Int, Int, Int>("tasks.add").with(SendOptions(queue: crew.next))
            results.append(try await site.app.send(chord([add(1, 1), add(2, 2)], body: sum).then(more, 10)))
        }
        for (crew, (id, result)) in zip(crews, zip(ids, results)) {
            #expect(try await driver.get(id, timeout: .seconds(120)) == .success(16), "sent by Python: \(crew)")
            #expect(try await result.get(timeout: .seconds(120)) == 16, "sent by Swift: \(crew)")
            let parent = try #require(result.parent)
            #expect(try await parent.get(timeout: .seconds(120)) == 6)
        }
    }

    private func failures(_ crew: Crew, _ site: MatrixSite) -> String { "\(site.folder)/failures-\(crew.number)" }

    /// Makes one part of the header fail. The body and everything after it must fail too, and the error callback must
    /// run.
    private func sendFailing(_ crew: Crew, _ site: MatrixSite, _ driver: PythonDriver) async throws {
        let errback = task("tasks.on_error", [.string(failures(crew, site))], crew.errback)
        let tree: WireValue = [
            "chain": [
                [
                    "chord": [
                        task("tasks.add", [1, 1], crew.header), task("tasks.fail", ["ValueError", "no"], crew.header),
                    ],
                    "body": task("tasks.sum_ints", [], crew.body),
                ],
                task("tasks.add", [10], crew.next),
            ],
            "link_error": [errback],
        ]
        let id = try #require(try await driver.ask("canvas", ["canvas": tree])["id"]?.stringValue)
        // Python's `get` raises a parent's exception as soon as the parent fails.
        try await until { try await driver.state(id) == "FAILURE" }
    }

    private func task(_ name: String, _ arguments: [WireValue], _ queue: String) -> WireValue {
        ["task": .string(name), "args": .array(arguments), "options": ["queue": .string(queue)]]
    }
}

extension MatrixTransport {
    /// The transports that store results, which chords need.
    fileprivate static var holdingChords: [MatrixTransport] { available.filter { $0 != .rabbitRPC } }
}
#endif
