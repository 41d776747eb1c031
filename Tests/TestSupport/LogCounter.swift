package import Logging
import NIOConcurrencyHelpers

/// Counts log messages by their text.
package final class LogCounter: Sendable {
    private let counts = NIOLockedValueBox<[String: Int]>([:])

    package init() {}

    /// A logger whose messages are counted but not shown.
    package var logger: Logger { Logger(label: "test") { _ in Handler(counter: self) } }

    /// How often a message was logged.
    package func count(_ message: String) -> Int { counts.withLockedValue { $0[message] ?? 0 } }

    private struct Handler: LogHandler {
        let counter: LogCounter
        var logLevel = Logger.Level.debug
        var metadata: Logger.Metadata = [:]

        init(counter: LogCounter) { self.counter = counter }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            counter.counts.withLockedValue { $0[event.message.description, default: 0] += 1 }
        }
    }
}
