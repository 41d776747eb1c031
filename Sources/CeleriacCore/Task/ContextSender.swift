import NIOConcurrencyHelpers
import Tracing

/// Sends tasks from within a task, and remembers them as its children.
final class ContextSender: Sendable {
    private let configured: TaskClient?
    private let sent = NIOLockedValueBox<[ResultReference]>([])
    private let left = NIOLockedValueBox<[any NativeStep]>([])
    /// The context of the run's span; nil without one.
    let spanContext: ServiceContext?

    init(client: TaskClient?, spanContext: ServiceContext? = nil) {
        self.configured = client
        self.spanContext = spanContext
    }

    /// The tasks and groups that the task has sent so far.
    var children: [ResultReference] { sent.withLockedValue { $0 } }

    /// The steps that the task has left for its dialect to take when it handles the outcome.
    var ownSteps: [any NativeStep] { left.withLockedValue { $0 } }

    func leave(_ step: any NativeStep) { left.withLockedValue { $0.append(step) } }

    func client() throws -> TaskClient {
        guard let configured else {
            throw CeleriacError(.configuration, "this worker was made without a client and cannot send tasks")
        }
        return configured
    }

    func send<Value>(_ signature: Signature<Value>, options: SendOptions, parent: TaskRequest) async throws
        -> AsyncResult<Value>
    {
        let client = try client()
        let submission = try client.submission(of: signature, options: options)
        guard let (reference, ticket) = try await client.submit([submission], parent: parent).first ?? nil else {
            throw CeleriacError(.unsupported, "there is nothing to send")
        }
        sent.withLockedValue { $0.append(reference) }
        return AsyncResult(reference: reference, client: client, coding: signature.resultCoding, ticket: ticket)
    }

    func addToChord<Value>(_ signature: Signature<Value>, request: TaskRequest) async throws {
        let client = try client()
        try await client.addToChord(try client.submission(of: signature), of: request)
    }
}
