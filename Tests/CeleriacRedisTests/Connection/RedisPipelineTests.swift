#if Redis
import NIOCore
import Testing

@testable import CeleriacRedis

@Suite struct RedisPipelineTests {
    private let noScript = RedisValue.error(.init(code: "NOSCRIPT", message: "No matching script."))
    private let script = RedisScript(name: "one", source: "return 1")

    private func completed(_ action: RedisPipeline<String>.Action) -> (String, [RedisValue])? {
        if case .complete(let waiter, let replies) = action { (waiter, replies) } else { nil }
    }

    @Test func givesRepliesToCallersInOrder() throws {
        var pipeline = RedisPipeline<String>()
        pipeline.append(count: 2, deadline: nil, waiter: "a")
        pipeline.append(count: 1, deadline: nil, waiter: "b")
        #expect(completed(pipeline.receive(.integer(1))) == nil)
        let a = try #require(completed(pipeline.receive(.error(.init(code: "ERR", message: "")))))
        #expect(a == ("a", [.integer(1), .error(.init(code: "ERR", message: ""))]))
        let b = try #require(completed(pipeline.receive(.integer(3))))
        #expect(b == ("b", [.integer(3)]))
        #expect(pipeline.isEmpty)
    }

    @Test func reportsAReplyThatNobodyAskedFor() throws {
        var pipeline = RedisPipeline<String>()
        guard case .unexpected = pipeline.receive(.null) else {
            Issue.record("a reply without a request was accepted")
            return
        }
        pipeline.append(count: 1, deadline: nil, waiter: "a")
        #expect(completed(pipeline.receive(.null)) != nil)
        guard case .unexpected = pipeline.receive(.null) else {
            Issue.record("a second reply was accepted")
            return
        }
    }

    @Test func dropsTheRepliesOfLoading() throws {
        var pipeline = RedisPipeline<String>()
        pipeline.append(
            count: 1, preamble: 2, scriptCommands: [.evaluate(script)], deadline: nil, waiter: "a")
        #expect(completed(pipeline.receive(.text("sha"))) == nil)
        #expect(completed(pipeline.receive(.error(.init(code: "NOPERM", message: "")))) == nil)
        #expect(try #require(completed(pipeline.receive(.integer(1)))) == ("a", [.integer(1)]))
    }

    @Test func repeatsScriptsThatTheServerLost() throws {
        var pipeline = RedisPipeline<String>()
        let call = RedisCommand.evaluate(script)
        pipeline.append(
            count: 4, scriptCommands: [RedisCommand("GET", "x"), call, RedisCommand("GET", "y"), call], deadline: nil,
            waiter: "a")
        pipeline.append(count: 1, deadline: nil, waiter: "b")
        // A reply that only looks like a lost script, to a command that is not a script call, belongs to the caller.
        for reply in [noScript, noScript, .integer(2)] { #expect(completed(pipeline.receive(reply)) == nil) }
        guard case .repeatScripts(let repetition) = pipeline.receive(noScript) else {
            Issue.record("the lost scripts are not repeated")
            return
        }
        #expect(repetition.commands.count == 2)
        pipeline.repeatScripts(repetition)
        // Commands sent before the repetition are answered before it.
        #expect(try #require(completed(pipeline.receive(.integer(9)))) == ("b", [.integer(9)]))
        #expect(completed(pipeline.receive(.integer(11))) == nil)
        let a = try #require(completed(pipeline.receive(.integer(13))))
        #expect(a == ("a", [noScript, .integer(11), .integer(2), .integer(13)]))
        #expect(pipeline.isEmpty)
    }

    @Test func repeatsOnlyOnce() throws {
        var pipeline = RedisPipeline<String>()
        pipeline.append(count: 1, scriptCommands: [.evaluate(script)], deadline: nil, waiter: "a")
        guard case .repeatScripts(let repetition) = pipeline.receive(noScript) else {
            Issue.record("the lost script is not repeated")
            return
        }
        pipeline.repeatScripts(repetition)
        #expect(try #require(completed(pipeline.receive(noScript))) == ("a", [noScript]))
    }

    @Test func knowsWhoIsLate() {
        var pipeline = RedisPipeline<String>()
        pipeline.append(count: 1, deadline: .uptimeNanoseconds(50), waiter: "a")
        pipeline.append(count: 1, deadline: nil, waiter: "b")
        pipeline.append(count: 1, deadline: .uptimeNanoseconds(20), waiter: "c")
        #expect(pipeline.earliestDeadline == .uptimeNanoseconds(20))
        let all = pipeline.removeAll(now: .uptimeNanoseconds(30))
        #expect(all.map(\.waiter) == ["a", "b", "c"])
        #expect(all.map(\.isLate) == [false, false, true])
        #expect(pipeline.isEmpty)
        #expect(pipeline.earliestDeadline == nil)
    }
}
#endif
