package import Logging
import NIOConcurrencyHelpers

/// Keeps what is logged, at every level.
package final class LogRecorder: Sendable {
    /// One message.
    package struct Line: Sendable {
        package let level: Logger.Level
        package let text: String
        package let metadata: [String: String]
    }
    private let recorded = NIOLockedValueBox<[Line]>([])

    package init() {}

    /// What was logged so far, in order.
    package var lines: [Line] { recorded.withLockedValue { $0 } }

    /// How often a message was logged.
    package func count(_ message: String) -> Int { lines(of: message).count }

    /// The lines of a message.
    package func lines(of message: String) -> [Line] { lines.filter { $0.text == message } }

    /// The messages of a level.
    package func lines(at level: Logger.Level) -> [Line] { lines.filter { $0.level == level } }

    /// A logger whose messages are kept but not shown.
    package var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self) } }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        init(recorder: LogRecorder) { self.recorder = recorder }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            let line = Line(
                level: event.level, text: event.message.description, metadata: all.mapValues { "\($0)" })
            recorder.recorded.withLockedValue { $0.append(line) }
        }
    }
}
