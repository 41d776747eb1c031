#if Redis
import NIOCore
import NIOEmbedded
import Testing

@testable import CeleriacRedis

/// Tests the connection's machinery on a channel without a socket and a clock that stands still.
@Suite struct RedisRequestQueueTests {
    private let channel = EmbeddedChannel()
    private let queue: RedisRequestQueue

    init() throws {
        let handler = try RedisChannelHandler(maximumReplyBytes: 1 << 20)
        try channel.pipeline.syncOperations.addHandler(handler)
        queue = RedisRequestQueue(handler: handler, eventLoop: channel.embeddedEventLoop)
        handler.attach(queue)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 6379)).wait()
    }

    private func send(_ commands: [RedisCommand], timeout: Duration? = .seconds(10)) -> Outcome {
        let outcome = Outcome()
        queue.send(commands, timeout: timeout, waiter: outcome.waiter(on: channel.eventLoop))
        return outcome
    }

    /// The writes of this turn of the loop, one text for each write.
    private func written() throws -> [String] {
        channel.embeddedEventLoop.run()
        var writes: [String] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { writes.append(String(buffer: buffer)) }
        return writes
    }

    private func receive(_ text: String) throws {
        try channel.writeInbound(ByteBuffer(string: text))
    }

    @Test func writesTheBatchesOfATurnAtOnceAndAnswersInOrder() throws {
        let first = send([RedisCommand("A"), RedisCommand("B")])
        let second = send([RedisCommand("C")])
        #expect(try written() == ["*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n*1\r\n$1\r\nC\r\n"])
        let third = send([RedisCommand("D")])
        #expect(try written() == ["*1\r\n$1\r\nD\r\n"])
        try receive("+a\r\n-ERR b\r\n+c")
        #expect(first.replies == [.status("a"), .error(.init(code: "ERR", message: "b"))])
        #expect(second.count == 0)
        try receive("\r\n:4\r\n")
        #expect(second.replies == [.status("c")])
        #expect(third.replies == [.integer(4)])
        #expect([first, second, third].map(\.count) == [1, 1, 1])
    }

    @Test func anEmptyBatchIsAnsweredAtOnce() throws {
        #expect(send([]).replies == [])
        #expect(try written() == [])
    }

    @Test func aTimeoutClosesAndTellsEverybody() throws {
        let blocking = send([RedisCommand("BLMOVE")], timeout: nil)
        let patient = send([RedisCommand("A")], timeout: .seconds(20))
        let late = send([RedisCommand("B")], timeout: .seconds(5))
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(4999))
        #expect([blocking, patient, late].map(\.count) == [0, 0, 0])
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(blocking.error?.code == .connectionLost)
        #expect(patient.error?.code == .connectionLost)
        #expect(late.error?.code == .timeout)
        #expect([blocking, patient, late].map(\.count) == [1, 1, 1])
        #expect(!channel.isActive)
        #expect(send([RedisCommand("C")]).error?.code == .connectionLost)
    }

    @Test func anAnswerInTimeStopsTheClock() throws {
        let first = send([RedisCommand("A")], timeout: .seconds(5))
        channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        try receive("+a\r\n")
        let second = send([RedisCommand("B")], timeout: .seconds(5))
        channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        #expect(second.count == 0)
        try receive("+b\r\n")
        channel.embeddedEventLoop.advanceTime(by: .seconds(100))
        #expect(channel.isActive)
        #expect(first.replies == [.status("a")])
        #expect(second.replies == [.status("b")])
    }

    @Test func withoutALimitNothingExpires() throws {
        let blocking = send([RedisCommand("BLMOVE")], timeout: nil)
        channel.embeddedEventLoop.advanceTime(by: .hours(1000))
        #expect(blocking.count == 0)
        try receive("$-1\r\n")
        #expect(blocking.replies == [.null])
    }

    @Test(arguments: ["+hello\r\n", ":1\r\n", "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n", "garbage\r\n"])
    func anUnaskedReplyCloses(_ text: String) throws {
        try receive(text)
        #expect(!channel.isActive)
        #expect(send([RedisCommand("A")]).error?.code == .connectionLost)
    }

    @Test func garbageClosesAndTellsEverybody() throws {
        let outcomes = (0..<3).map { _ in send([RedisCommand("A")]) }
        try receive("+fine\r\n<html>")
        #expect(outcomes[0].replies == [.status("fine")])
        #expect(outcomes[1].error?.code == .protocolViolation)
        #expect(outcomes[2].error?.code == .protocolViolation)
        #expect(outcomes.map(\.count) == [1, 1, 1])
        #expect(!channel.isActive)
    }

    @Test func aSurplusReplyClosesAfterTheAnswer() throws {
        let outcome = send([RedisCommand("A")])
        try receive("+a\r\n+b\r\n")
        #expect(outcome.replies == [.status("a")])
        #expect(!channel.isActive)
    }

    @Test func aLossTellsEverybody() throws {
        let half = send([RedisCommand("A"), RedisCommand("B")])
        let other = send([RedisCommand("C")], timeout: nil)
        try receive("+a\r\n$5\r\nhal")
        channel.pipeline.fireChannelInactive()
        #expect(half.error?.code == .connectionLost)
        #expect(other.error?.code == .connectionLost)
        #expect([half, other].map(\.count) == [1, 1])
    }

    @Test func anErrorOfTheTransportTellsEverybodyOnce() throws {
        let outcome = send([RedisCommand("A")])
        channel.pipeline.fireErrorCaught(IOError(errnoCode: 104, reason: "read"))
        #expect(outcome.error?.code == .connectionLost)
        #expect(outcome.error?.cause is IOError)
        #expect(outcome.count == 1)
        #expect(!channel.isActive)
    }

    @Test func closingTellsEverybodyWhy() throws {
        let outcome = send([RedisCommand("A")])
        let reasons = Reasons()
        queue.onClose { reasons.note($0.code) }
        queue.close(RedisError(.closed, ""))
        #expect(outcome.error?.code == .closed)
        #expect(send([RedisCommand("A")]).error?.code == .closed)
        queue.onClose { reasons.note($0.code) }
        queue.close(RedisError(.closed, ""))
        #expect(reasons.all == [.closed, .closed])
    }

    @Test func loadsAScriptOncePerConnection() throws {
        let script = RedisScript(name: "one", source: "return 1")
        let load = "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$8\r\nreturn 1\r\n"
        let call = "*3\r\n$7\r\nEVALSHA\r\n$40\r\n\(script.hash)\r\n$1\r\n0\r\n"
        let first = send([RedisCommand("A"), .evaluate(script), .evaluate(script)])
        #expect(try written() == [load + "*1\r\n$1\r\nA\r\n" + call + call])
        try receive("$2\r\nxx\r\n+a\r\n:1\r\n:2\r\n")
        #expect(first.replies == [.status("a"), .integer(1), .integer(2)])

        let second = send([.evaluate(script)])
        #expect(try written() == [call])
        try receive("-NOSCRIPT No matching script.\r\n")
        #expect(second.count == 0)
        #expect(try written() == ["*3\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n0\r\n"])
        try receive(":1\r\n")
        #expect(second.replies == [.integer(1)])

        // A script that was lost once is loaded again.
        _ = send([.evaluate(script)])
        #expect(try written() == [load + call])
    }

    @Test func refusesABatchThatIsTooLarge() throws {
        let block = [UInt8](repeating: 0, count: 64 << 20)
        let outcome = send(Array(repeating: RedisCommand("SET", "k", block), count: 17))
        #expect(outcome.error?.code == .tooLarge)
        #expect(try written() == [])
        #expect(channel.isActive)
    }

    @Test func aWriteThatFailsAtOnceTellsEverybody() throws {
        try channel.pipeline.syncOperations.addHandler(ClosesOnWrite(), position: .first)
        let block = [UInt8](repeating: 0, count: 40 << 20)
        let first = send([RedisCommand("SET", "k", block)])
        // It does not fit next to the first batch, which is written while this one is being sent.
        let second = send([RedisCommand("SET", "k", block)])
        #expect(first.error?.code == .connectionLost)
        #expect(second.error?.code == .connectionLost)
        #expect([first, second].map(\.count) == [1, 1])
    }

    private final class ClosesOnWrite: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            context.channel.close(promise: nil)
        }
    }

    @Test func readsWhatCameBeforeThereWasAReceiver() throws {
        let channel = EmbeddedChannel()
        let handler = try RedisChannelHandler(maximumReplyBytes: 1 << 20)
        try channel.pipeline.syncOperations.addHandler(handler)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 6379)).wait()
        try channel.writeInbound(ByteBuffer(string: "-ERR max number of clients reached\r\n"))
        let queue = RedisRequestQueue(handler: handler, eventLoop: channel.embeddedEventLoop)
        let reasons = Reasons()
        queue.onClose { reasons.note($0.code) }
        handler.attach(queue)
        #expect(reasons.all == [.protocolViolation])
        #expect(!channel.isActive)
    }
}
#endif
