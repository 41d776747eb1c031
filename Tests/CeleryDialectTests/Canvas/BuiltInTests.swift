import Celeriac
import CeleriacTestKit
import CeleryDialect
import CeleryWire
import Foundation
import NIOPosix
import Testing

/// The tasks that every Celery worker has.
@Suite("Built-in tasks", .timeLimit(.minutes(5)))
struct BuiltInTests {
    private typealias Site = WorkflowSite

    @Test("accumulate indexes its arguments like a tuple in Python")
    func accumulate() async throws {
        let site = Site()
        try await site.serves {
            for (index, value): (WireValue, WireValue) in [(nil, [1, 2]), (0, 1), (1, 2), (-1, 2)] {
                let call = Signature("celery.accumulate", arguments: [1, 2], keywordArguments: ["index": index])
                #expect(try await site.app.send(call).get() == value)
            }
            for index: WireValue in [2, -3, "x"] {
                let call = Signature("celery.accumulate", arguments: [1, 2], keywordArguments: ["index": index])
                let id = try await site.app.send(call).id
                #expect(try await site.failure(of: id)?.type == "IndexError")
            }
        }
    }

    @Test("map, starmap and chunks run typed tasks, alone and within canvases")
    func items() async throws {
        let site = Site()
        try await site.serves {
            #expect(try await site.app.send(map(Site.double, over: [1, 2, 3])).get() == [2, 4, 6])
            #expect(try await site.app.send(Site.add.starmap([(1, 2), (3, 4)])).get() == [3, 7])
            #expect(try await site.app.send(Site.add.starmap([])).get() == [])
            let chunks = Site.add.chunks([(1, 1), (2, 2), (3, 3)], of: 2)
            #expect(try await site.app.send(chunks).get() == [[2, 4], [6]])
            #expect(
                try await site.app.send(map(Site.double, over: [1, 2]).then(Site.sum).then(Site.double)).get() == 12)
            let sums = chunks.then(map(Site.sum, over: [[1], [2]]).immutable())
            #expect(try await site.app.send(sums).get() == [1, 2])
            let unknown = try await site.app.send(map(TaskDefinition<Int, Int>("tasks.nope"), over: [1]))
            #expect(try await site.failure(of: unknown.id)?.type == "NotRegistered")
        }
    }

    @Test("canvases that old senders call as tasks return references to their future results")
    func canvases() async throws {
        let site = Site()
        try await site.serves {
            let add = CelerySignature(task: "tasks.add", args: [1]).encode()
            let group = try await site.app.send(
                Signature("celery.group", arguments: [[add, add], [["g", nil], []], "g", [2]]))
            #expect(try await group.get() == [["g", nil], []])
            let children = try await group.children()
            #expect(try await children.first?.members?.get() == [3, 3])
            #expect(children.first?.id == "g")

            let body = CelerySignature(task: "tasks.sum").encode()
            let chord = try await site.app.send(
                Signature("celery.chord", arguments: [[add, add], body], keywordArguments: ["partial_args": [5]]))
            let reference = try CeleryResultTuple.decode(try await chord.get())
            let sum: AsyncResult<Int> = site.app.result(reference.id)
            #expect(try await sum.get(timeout: .seconds(120)) == 12)

            let task = CelerySignature(task: "tasks.add").encode()
            let chunks = try await site.app.send(
                Signature("celery.chunks", arguments: [task, [[1, 1], [2, 2], [3, 3]], 2]))
            #expect(try await chunks.get()[1]?.arrayValue?.count == 2)
            #expect(try await chunks.children().first?.members?.get() == [[2, 4], [6]])

            for (name, arguments): (String, [WireValue]) in [
                ("celery.chain", []), ("celery.group", [5]), ("celery.group", [[5]]), ("celery.chord", [[add]]),
                ("celery.chord", [[add], 5]), ("celery.chord", ["x", body]), ("celery.chunks", [task, [], 0]),
                ("celery.chunks", [5, [1], 1]), ("celery.map", [5, [1]]), ("celery.starmap", [task, [1]]),
            ] {
                let id = try await site.app.send(Signature(name, arguments: arguments)).id
                let type = try await site.failure(of: id)?.type
                #expect(["NotImplementedError", "TypeError", "ValueError"].contains(type), "\(name): \(type ?? "")")
            }
        }
    }

    @Test("backend_cleanup deletes only the files of expired results")
    func cleanup() async throws {
        let folder = try TemporaryFolder("cleanup")
        defer { folder.remove() }
        let site = Site(
            results: CeleryFileResults(folder: folder.path, eventLoopGroup: .singletonMultiThreadedEventLoopGroup))
        let (old, young) = (Date(timeIntervalSinceNow: -2 * 86_400), Date(timeIntervalSinceNow: -3600))
        let files = [
            ("celery-task-meta-old", old), ("celery-taskset-meta-old", old), ("celery-task-meta-young", young),
            ("notes.txt", old),
        ]
        for (name, date) in files {
            let path = folder.path + "/" + name
            try Data("{}".utf8).write(to: URL(filePath: path))
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
        }
        try await site.serves {
            _ = try await site.app.send(Signature("celery.backend_cleanup")).get(timeout: .seconds(120))
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(files.map(\.0).filter { left.contains($0) } == ["celery-task-meta-young", "notes.txt"])
    }
}
