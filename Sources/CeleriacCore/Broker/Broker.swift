/// Where messages are published to and consumed from, in one dialect's layout.
///
/// Implement it to bring a transport of your own.
public protocol Broker: Sendable {
    /// A name for logs: scheme, host and port or folder, without credentials.
    var name: String { get }

    /// Publishes messages and returns when the broker has taken responsibility for all of them.
    ///
    /// - Throws: ``PartialPublishError`` if some were taken and others not; another error if none is known to have been
    ///   taken.
    func publish(_ messages: [OutgoingMessage]) async throws

    /// Begins to consume.
    ///
    /// - Throws: an error when the broker cannot be reached or refuses.
    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer

    /// Closes what the broker holds open. Messages can't be published after it.
    func close() async
}
