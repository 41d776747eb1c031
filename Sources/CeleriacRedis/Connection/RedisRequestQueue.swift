#if Redis
internal import NIOCore

/// Sends batches of commands over one connection and answers their callers. Its state is confined to the event loop.
final class RedisRequestQueue: RedisReplyReceiver {
    /// The largest batch that is sent, in bytes. The server itself refuses single arguments of more than 512 MiB.
    private static let maximumBatch = 1 << 30

    private let handler: RedisChannelHandler
    private let eventLoop: any EventLoop
    private var pipeline = RedisPipeline<RedisWaiter>()
    private var loadedScripts: Set<String> = []
    private var timer: (task: Scheduled<Void>, deadline: NIODeadline)?
    /// What the server said by which it made this connection useless.
    private var farewell: RedisServerError?
    private var closeReason: RedisError?
    private var closeHandlers: [@Sendable (RedisError) -> Void] = []

    init(handler: RedisChannelHandler, eventLoop: any EventLoop) {
        self.handler = handler
        self.eventLoop = eventLoop
    }

    /// Sends a batch, whose replies may take at most `timeout`; `nil` means no limit. The waiter is resumed once,
    /// either with one reply for each command or with an error.
    func send(_ commands: [RedisCommand], timeout: Duration?, waiter: RedisWaiter) {
        if let closeReason {
            waiter.fail(closeReason.forLaterCallers)
            return
        }
        guard !commands.isEmpty else {
            waiter.succeed([])
            return
        }
        var size = 0
        var callsScripts = false
        for command in commands {
            size += command.wireSize()
            if command.script != nil { callsScripts = true }
        }
        var scripts: [RedisScript] = []
        if callsScripts {
            scripts = commands.compactMap(\.script).filter { loadedScripts.insert($0.hash).inserted }
            size += scripts.reduce(0) { $0 + $1.source.utf8.count + 64 }
        }
        guard size <= Self.maximumBatch else {
            scripts.forEach { loadedScripts.remove($0.hash) }
            waiter.fail(
                RedisError(.tooLarge, "The commands take \(size) bytes; the limit is \(Self.maximumBatch)."))
            return
        }
        let deadline = timeout.map { eventLoop.now + TimeAmount(clamping: $0) }
        // The batch is recorded before it is written, because a write may fail, and end the connection, immediately.
        pipeline.append(
            count: commands.count, preamble: scripts.count, scriptCommands: callsScripts ? commands : [],
            deadline: deadline, waiter: waiter)
        if let deadline { arm(deadline) }
        handler.write(size: size) { buffer in
            for script in scripts { RedisCommand("SCRIPT", "LOAD", script.source).write(to: &buffer) }
            for command in commands { command.write(to: &buffer) }
        }
    }

    /// Whether no call waits for an answer.
    var isIdle: Bool { pipeline.isEmpty }

    /// Ends the connection. All waiting calls fail with the error.
    func close(_ reason: RedisError) {
        handler.close(reason)
    }

    /// Registers a closure to call when the connection has ended. If it already has, the closure is called immediately.
    func onClose(_ body: @escaping @Sendable (RedisError) -> Void) {
        if let closeReason { body(closeReason) } else { closeHandlers.append(body) }
    }

    /// Hands the connection's replies to another receiver. No call may be waiting for a reply.
    func handOver(to receiver: any RedisReplyReceiver) -> RedisChannelHandler {
        timer?.task.cancel()
        handler.attach(receiver)
        return handler
    }

    func receive(_ reply: RedisValue) throws(RedisError) {
        if let error = reply.error, error.endsConnection { farewell = error }
        switch pipeline.receive(reply) {
        case .wait:
            break
        case .complete(let waiter, let replies):
            waiter.succeed(replies)
            // A primary that became a replica keeps its connections: only another look at its name finds the new one.
            if let farewell {
                throw RedisError(
                    .connectionLost, "The server takes no more commands here; the connection was closed.",
                    serverError: farewell)
            }
        case .repeatScripts(let repetition):
            for script in repetition.commands.compactMap(\.script) { loadedScripts.remove(script.hash) }
            pipeline.repeatScripts(repetition)
            handler.write(size: repetition.commands.reduce(0) { $0 + $1.wireSize(.source) }) { buffer in
                for command in repetition.commands { command.write(to: &buffer, .source) }
            }
        case .unexpected:
            throw RedisError(
                .protocolViolation, "The server sent a reply without a request.", serverError: reply.error)
        }
    }

    func receiveComplete() {}

    func connectionClosed(_ error: RedisError) {
        closeReason = error
        timer?.task.cancel()
        timer = nil
        let isTimeout = error.code == .timeout
        for (waiter, isLate) in pipeline.removeAll(now: eventLoop.now) {
            waiter.fail(isTimeout && !isLate ? error.forLaterCallers : error)
        }
        let handlers = closeHandlers
        closeHandlers = []
        for handler in handlers { handler(error) }
    }

    // One timer serves all batches. It is set for the earliest deadline, and looks again when it fires.
    private func arm(_ deadline: NIODeadline) {
        if let timer {
            guard deadline < timer.deadline else { return }
            timer.task.cancel()
        }
        let task = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] () -> Void in
            self?.timerFired()
        }
        timer = (task, deadline)
    }

    private func timerFired() {
        timer = nil
        guard let earliest = pipeline.earliestDeadline else { return }
        if earliest <= eventLoop.now {
            close(RedisError(.timeout, "The server did not answer in time; the connection was closed."))
        } else {
            arm(earliest)
        }
    }
}

extension RedisError {
    /// The error for callers that only suffer from the reason why the connection was closed.
    var forLaterCallers: RedisError {
        switch code {
        case .closed: self
        default: RedisError(.connectionLost, "The connection was closed.", cause: self)
        }
    }
}

extension TimeAmount {
    /// Clamps a duration to a range that can be added to the present: from zero to a century.
    init(clamping duration: Duration) {
        self.init(min(max(duration, .zero), .seconds(100 * 365 * 86_400)))
    }
}

/// The caller that waits for the replies of a batch. It is resumed exactly once.
enum RedisWaiter {
    case continuation(CheckedContinuation<Result<[RedisValue], RedisError>, Never>)
    case promise(EventLoopPromise<[RedisValue]>)

    func succeed(_ replies: [RedisValue]) {
        switch self {
        case .continuation(let continuation): continuation.resume(returning: .success(replies))
        case .promise(let promise): promise.succeed(replies)
        }
    }

    func fail(_ error: RedisError) {
        switch self {
        case .continuation(let continuation): continuation.resume(returning: .failure(error))
        case .promise(let promise): promise.fail(error)
        }
    }
}
#endif
