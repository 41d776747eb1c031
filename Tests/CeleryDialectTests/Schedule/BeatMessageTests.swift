import Celeriac
import CeleriacCore
import CeleriacQueues
import CeleriacTestKit
import CeleriacWire
import CeleryDialect
import CeleryWire
import Foundation
import Testing

/// The messages that an application's beat sends.
@Suite("Messages of the beat", .timeLimit(.minutes(5))) struct BeatMessageTests {
    @Test("They equal those of Python's beat, except for ids, times and text for people")
    func sameAsCaptured() async throws {
        let broker = MemoryBroker()
        let app = CeleryApp(broker: broker, results: MemoryResultStore())
        let entry = BeatEntry(
            "every", try IntervalSchedule(every: .milliseconds(5)), Signature("capapp.add", arguments: [1, 2]),
            expiresAfter: .seconds(30))
        let beat = try app.beat([entry])
        let message = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await beat.run() }
            let consumer = try await broker.consume(ConsumerOptions(queues: ["celery"], prefetch: 1, nodeName: "n"))
            let delivery = try #require(try await consumer.next(atMost: 1).first)
            beat.stop()
            try await group.waitForAll()
            return try delivery.content.get()
        }
        let captured = try Self.captured()
        // Two of these are for people: Python's beat shows arguments as a list, its other senders show a tuple.
        let own: Set = ["id", "root_id", "expires", "origin", "lang", "argsrepr"]
        let headers = try #require(captured["headers"]?.objectValue)
        #expect(Set(message.headers.keys) == Set(headers.keys))
        for (name, value) in headers where !own.contains(name) {
            #expect(message.headers[name] == value, "\(name)")
        }
        for name in own { #expect(message.headers[name]?.stringValue != nil, "\(name)") }
        #expect(message.properties.expiration != nil)
        let body = try #require(captured["body"]?.stringValue)
        #expect(Data(message.body) == Data(base64Encoded: body))
        await app.close()
    }

    @Test("An entry may be a chain, a group or a chord, in a file too")
    func canvases() async throws {
        let broker = MemoryBroker()
        let app = CeleryApp(broker: broker, results: MemoryResultStore())
        let file = try BeatFile(
            Array(
                """
                beat_schedule:
                  all:
                    schedule: 0.005
                    chain:
                      - {task: first, args: [1]}
                      - chord: [{task: a, immutable: true}, {task: b, options: {queue: slow, expires: 60}}]
                        body: {task: body}
                      - group: [{task: c}, {task: d}]
                """.utf8))
        let beat = try app.beat(file.entries)
        let message = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await beat.run() }
            let consumer = try await broker.consume(ConsumerOptions(queues: ["celery"], prefetch: 1, nodeName: "n"))
            let delivery = try #require(try await consumer.next(atMost: 1).first)
            beat.stop()
            try await group.waitForAll()
            return try CeleryTaskMessage.decode(try delivery.content.get())
        }
        #expect(message.task == "first" && message.args == [1] && message.otherHeaders["celery_beat_task"] == true)
        // The chain is in reverse order: the next step is the last element.
        let steps = try (message.embed.chain?.arrayValue ?? []).reversed().map { try CelerySignature.decode($0) }
        #expect(steps.map(\.kind) == [.chord, .group] || steps.map(\.kind) == [.chord])
        let header = try steps[0].header().members()
        #expect(header.map(\.task) == ["a", "b"] && header[0].immutable)
        #expect(header[1].options["queue"] == "slow" && header[1].options["expires"] == 60)
        await app.close()
    }

    /// Reads the envelope in the capture of Python's beat.
    private static func captured() throws -> WireValue {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Compat/celery/x.redis.beat.json").standardized
        let keys = try WireJSON.decode([UInt8](try Data(contentsOf: file)))["redis"]?.arrayValue ?? []
        let queue = try #require(keys.first { $0["key"] == "celery" })
        return try WireJSON.decode(Array(try #require(queue["value"]?[0]?.stringValue).utf8))
    }

    @Test(
        "The nightly clean-up is sent if results do not expire by themselves and no other entry sends one",
        arguments: [("file", 86400, 1), ("file", nil, 0), ("memory", 86400, 0)])
    func cleansUp(_ scheme: String, _ expiry: Int?, _ count: Int) async throws {
        let folder = try TemporaryFolder("beat")
        defer { folder.remove() }
        var configuration = CeleryConfiguration()
        configuration.resultExpiry = expiry.map { .seconds($0) }
        let app = try CeleryApp(
            broker: "memory://", results: "\(scheme)://\(folder.path)", configuration: configuration)
        #expect(try await remembered(by: app, [], in: folder) == (count == 1 ? ["celery.backend_cleanup"] : []))
        let own = BeatEntry(
            "celery.backend_cleanup", try IntervalSchedule(every: .seconds(60)), Signature("celery.backend_cleanup"))
        #expect(try await remembered(by: app, [own], in: folder) == ["celery.backend_cleanup"])
        await app.close()
    }

    /// The names of the entries in the state of a beat that has started.
    private func remembered(by app: CeleryApp, _ entries: [BeatEntry], in folder: TemporaryFolder) async throws
        -> [String]
    {
        let path = folder.path + "/state"
        let beat = try app.beat(entries, state: BeatStateFile(path: path))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await beat.run() }
            await beat.leading()
            beat.stop()
            try await group.waitForAll()
        }
        let state = try WireJSON.decode([UInt8](try Data(contentsOf: URL(filePath: path))))
        // Only the file is left, because it was renamed into place.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["state"])
        return state["entries"]?.objectValue?.keys ?? []
    }
}
