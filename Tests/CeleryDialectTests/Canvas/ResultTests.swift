import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryWire
import Testing

/// Results of groups, chains and callbacks.
@Suite("Results that belong together", .timeLimit(.minutes(5)))
struct ResultTests {
    private typealias Site = WorkflowSite

    @Test("a group is joined, iterated as its members end, saved and found again")
    func groups() async throws {
        let site = Site()
        let release = Gate()
        let slow = TaskDefinition<Int, Int>("tasks.slow")
        let handler = slow.handler { number in
            await release.wait()
            return number
        }
        try await site.serves(WorkerConfiguration(queues: ["celery"]), [handler]) {
            let sent = try await site.app.send(group([slow(1), Site.double(2), Site.fail("no")]))
            try await sent.save()
            let found = try #require(try await site.app.group(sent.id, as: Int.self))
            #expect(found.results.map(\.id) == sent.results.map(\.id))
            var ended: [Int] = []
            try await found.forEach { index, result in
                ended.append(index)
                switch index {
                case 2: #expect((try? result.get()) == nil)
                default: #expect((try? result.get()) == [1, 4][index])
                }
                if ended.count == 2 { release.open() }
            }
            #expect(ended.last == 0)
            try await found.delete()
            let gone = try await site.app.group(sent.id, as: Int.self)
            #expect(gone == nil)
        }
    }

    @Test("a result names its parents and the tasks that its task has sent")
    func family() async throws {
        let site = Site()
        let parent = TaskHandler("tasks.parent") { context in
            try await context.send(WorkflowSite.add(1, 1))
            try await context.send(group([WorkflowSite.add(2, 2), WorkflowSite.add(3, 3)]).signature())
            return "done"
        }
        try await site.serves(WorkerConfiguration(queues: ["celery"]), [parent]) {
            let chain = try await site.app.send(Site.add(1, 2).then(Site.double).then(Site.double))
            #expect(try await chain.get() == 12)
            let (middle, first) = (try #require(chain.parent), try #require(chain.parent?.parent))
            #expect(try await [first.get(), middle.get()] == [3, 6])
            #expect(first.parent == nil)
            // Each step of a chain is a child of the step before it.
            #expect(try await first.children().map(\.id) == [middle.id])

            let result = try await site.app.send(Signature("tasks.parent"))
            #expect(try await result.get() == "done")
            let children = try await result.children()
            #expect(try await children[0].get() == 2)
            #expect(children[0].members == nil)
            #expect(try await children[1].members?.get() == [4, 6])
        }
    }

    @Test("a group that was sent as one signature, also at the end of a chain, gives the list of its results")
    func groupAsASignature() async throws {
        let site = Site()
        try await site.serves {
            let numbers = group([Site.add(1, 1), Site.add(2, 2)]).signature()
            let joined = try await site.app.send(numbers)
            let polled = try await site.app.send(numbers)
            let values = [
                try await joined.get(timeout: .seconds(60)),
                try await polled.get(timeout: .seconds(60), every: .milliseconds(5)),
            ]
            #expect(values == [[2, 4], [2, 4]])
            let afterwards = try await site.app.send(
                Site.add(1, 2).then(
                    group([Signature("tasks.double"), Signature("tasks.double")]).signature()))
            let list = try await [joined, afterwards].get(timeout: .seconds(60))
            #expect(list == [[2, 4], [6, 6]])
            let failing = try await site.app.send(group([Site.add(1, 1), Site.fail("no")]).signature())
            await #expect(throws: RemoteTaskError.self) { _ = try await failing.get(timeout: .seconds(60)) }
        }
    }

    @Test("typed callbacks take the result, or the id of the failed task")
    func callbacks() async throws {
        let site = Site()
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        let number = TaskDefinition<Int, Void>("tasks.number")
        let failed = TaskDefinition<String, Void>("tasks.failed")
        let handlers = [
            number.handler { number in _ = continuation.yield("\(number)") },
            failed.handler { id in _ = continuation.yield(id) },
        ]
        try await site.serves(WorkerConfiguration(queues: ["celery"]), handlers) {
            var calls = stream.makeAsyncIterator()
            try await site.app.send(Site.add(1, 2).onSuccess(number).onFailure(failed))
            #expect(await calls.next() == "3")
            let id = try await site.app.send(Site.fail("no").onSuccess(number).onFailure(failed)).id
            #expect(await calls.next() == id)
        }
    }

    @Test("a saved group has the bytes that Celery stores")
    func stored() throws {
        let reference = ResultReference(id: "g", members: [ResultReference(id: "a"), ResultReference(id: "b")])
        let text = String(decoding: try CeleryResultTuple(reference).encodeGroup(), as: UTF8.self)
        #expect(text == #"{"result": [["g", null], [[["a", null], null], [["b", null], null]]]}"#)
    }
}
