import CeleriacWire
import Logging

/// Who sends the tasks of a stage: asked in the producers' protocol, whose page is `CrossLanguageTests` of the
/// documentation.
protocol InteropProducer: Sendable {
    /// Asks, and waits for the answer at most so long.
    ///
    /// - Throws: an error if there is no answer.
    func ask(_ question: WireValue, within limit: Duration) async throws -> WireValue
    /// Ends it.
    func stop() async
}

/// A producer in a program of its own.
struct ProcessProducer: InteropProducer {
    private let process: InteropProcess
    private let conversation: LineConversation

    /// Starts the program.
    ///
    /// - Throws: ``TestKitError``, as `InteropProcess`.
    init(_ peer: InteropPeer, at addresses: InteropAddresses) throws(TestKitError) {
        process = try InteropProcess(peer, role: "producer", at: addresses, input: .socket)
        conversation = LineConversation(with: process.child)
    }

    func ask(_ question: WireValue, within limit: Duration) async throws -> WireValue {
        // A producer that does not answer in time is killed, which ends the conversation and thus the question.
        let watch = Task {
            try await Task.sleep(for: limit)
            await process.child.kill()
        }
        defer { watch.cancel() }
        guard let answer = try await conversation.ask(question) else {
            // The socket may have closed a moment before the process is known to have ended.
            await process.child.stop(grace: .seconds(5))
            throw TestKitError(.peerFailed, process.end ?? "the producer has closed its output")
        }
        return answer
    }

    func stop() async {
        conversation.close()
        await process.child.stop(grace: .seconds(5))
    }
}

/// Swift itself as the producer, in this process.
struct SwiftProducer: InteropProducer {
    private let producer: LineProducer

    /// Makes the client.
    ///
    /// - Throws: `CeleriacError` for a URL that cannot be used.
    init(at addresses: InteropAddresses) throws {
        var logger = Logger(label: "interop")
        logger.logLevel = .error
        producer = try LineProducer(
            machinery: addresses.dialect == .machinery, broker: addresses.broker, results: addresses.results,
            logger: logger)
    }

    func ask(_ question: WireValue, within limit: Duration) async throws -> WireValue {
        // Its own waits end: those for results by the question's timeout, those for servers by its client.
        await producer.answer(question)
    }

    func stop() async { await producer.close() }
}
