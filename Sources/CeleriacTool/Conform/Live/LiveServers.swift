import CeleriacWire

/// The broker of a run as a raw peer sees it. It knows queues and exchanges, and nothing of tasks.
protocol LiveBroker: Sendable {
    /// Puts a message into a queue.
    func send(_ message: LiveMessage, to queue: String) async throws
    /// Publishes a message to an exchange.
    func broadcast(_ message: LiveMessage, exchange: String, key: String) async throws
    /// Takes the next message of a queue, as checks see it; nil if there is none. `first` says that it is taken from the left
    /// end of a list, as Machinery does, and not from the right, as Celery does.
    func receive(_ queue: String, first: Bool) async throws -> WireValue?
    /// Makes a queue that gets what is published to a direct exchange with a key.
    func bind(_ queue: String, exchange: String, key: String) async throws
    /// Hears from now on what is published to an exchange.
    func listen(to exchange: String) async throws
    /// Takes the next message that was heard; nil if there is none yet.
    func hear(_ exchange: String) async throws -> WireValue?
    /// Forgets the messages of queues and what was heard.
    func clear(_ queues: [String]) async throws
    func close() async
}

/// The Redis that holds the results of a run.
protocol LiveStore: Sendable {
    /// Runs a command.
    func command(_ words: [[UInt8]]) async throws -> WireValue
    /// Hears from now on what is published to a channel.
    func subscribe(_ channel: String) async throws
    /// Takes the next message of a channel; nil if there is none yet.
    func told(_ channel: String) async -> [UInt8]?
    func close() async
}

extension LiveStore {
    /// Runs a command of texts.
    @discardableResult
    func command(_ words: String...) async throws -> WireValue { try await command(words.map { Array($0.utf8) }) }
}

/// The program under test.
protocol LiveTestee: Sendable {
    /// How it has ended; nil while it runs.
    var exitStatus: Int32? { get }
    /// Asks a question, whose answer comes with ``answer()``.
    func ask(_ question: [UInt8])
    /// Takes the next answer, or of a monitor the next line that it has printed; nil if there is none yet.
    func answer() -> [UInt8]?
    /// Sends it a signal.
    func signal(_ number: Int32)
    /// Ends it, whatever it does.
    func stop() async
}

/// How long a step may take. What the wire shows is looked at again and again, as no server tells all of it.
struct LiveDeadline {
    private let end: ContinuousClock.Instant

    init(_ limit: Duration) { end = .now + limit }

    /// Waits a moment.
    ///
    /// - Returns: false if the time is over.
    /// - Throws: `CancellationError`.
    func pause() async throws -> Bool {
        guard ContinuousClock.now < end else { return false }
        try await Task.sleep(for: .milliseconds(10))
        return true
    }
}
