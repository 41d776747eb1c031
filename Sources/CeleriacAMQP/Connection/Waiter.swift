#if AMQP

internal import NIOCore

/// A caller who waits for the broker, answered exactly once: whatever comes first settles it, the rest is ignored.
final class Waiter {
    /// What a caller gets.
    enum Answer: Sendable {
        case method(ServerMethod)
        case outcomes([AMQPPublishOutcome])
        case message(AMQPDelivery)
        case channel(AMQPChannel)
    }

    let id: UInt64
    let deadline: NIODeadline
    /// What is waited for, for the error at the deadline.
    let operation: String
    /// Whether nothing of the call has been sent.
    var nothingSent = false
    private var completion: ((Result<Answer, AMQPError>) -> Void)?

    init(
        id: UInt64, deadline: NIODeadline, operation: String,
        completion: @escaping (Result<Answer, AMQPError>) -> Void
    ) {
        self.id = id
        self.deadline = deadline
        self.operation = operation
        self.completion = completion
    }

    var isSettled: Bool { completion == nil }

    func settle(_ result: Result<Answer, AMQPError>) {
        guard let completion else { return }
        self.completion = nil
        completion(result)
    }

    func fail(_ error: AMQPError) {
        settle(.failure(nothingSent ? error.withNothingSent() : error))
    }
}

#endif
