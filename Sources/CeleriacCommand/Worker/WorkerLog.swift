import CeleriacQueues
import Foundation
import Glibc
import Logging
import NIOConcurrencyHelpers

/// Where the lines of a log go: standard error, or a file, which is opened anew when somebody has moved it away.
final class LogTarget: Sendable {
    /// Standard error.
    static let standardError = LogTarget()

    private let path: String?
    private let file: NIOLockedValueBox<Int32>

    private init() {
        path = nil
        file = NIOLockedValueBox(STDERR_FILENO)
    }

    /// Makes a target.
    ///
    /// - Parameter path: the file; nil for standard error.
    /// - Throws: an error that names the file if it cannot be opened.
    init(path: String?) throws {
        // The process may change its folder later.
        let path = path.map { URL(fileURLWithPath: $0).path }
        self.path = path
        let descriptor = path.map(Self.open) ?? STDERR_FILENO
        file = NIOLockedValueBox(descriptor)
        if let path, descriptor < 0 {
            throw LogFailure(description: "The log file \(path) cannot be opened: \(String(cString: strerror(errno))).")
        }
    }

    deinit {
        let descriptor = file.withLockedValue { $0 }
        if path != nil, descriptor >= 0 { close(descriptor) }
    }

    /// Writes a line as a whole.
    func write(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        file.withLockedValue { file in
            if let path, !Self.isOpen(file, path) {
                let descriptor = Self.open(path)
                if descriptor >= 0 {
                    close(file)
                    file = descriptor
                }
            }
            // A log that cannot be written must not stop the worker.
            _ = FileStore.write(bytes[...], descriptor: file)
        }
    }

    private static func open(_ path: String) -> Int32 {
        Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    }

    /// Whether a path still leads to an open file.
    private static func isOpen(_ file: Int32, _ path: String) -> Bool {
        var (opened, named) = (stat(), stat())
        return fstat(file, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino
            && opened.st_dev == named.st_dev
    }
}

/// Why a log cannot be written.
struct LogFailure: Error, CustomStringConvertible {
    let description: String
}

/// Writes lines as Celery's workers do: `[2026-11-30 01:02:03,456: INFO/MainProcess] text`, with metadata behind the text.
/// What Celery logs too has its words (``CeleryLine``).
struct WorkerLogHandler: LogHandler {
    let target: LogTarget
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(target: LogTarget) { self.target = target }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        let line = CeleryLine(event.message.description, all)
        let words = line.metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
        target.write(Self.line(event.level, line.text + words.joined(), at: Date()))
    }

    /// The line of a message.
    static func line(_ level: Logger.Level, _ text: String, at time: Date) -> String {
        "[\(LogTime.precise(time)): \(name(of: level))/MainProcess] \(text)"
    }

    /// Python's name of a level.
    static func name(of level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "DEBUG"
        case .info, .notice: "INFO"
        case .warning: "WARNING"
        case .error: "ERROR"
        case .critical: "CRITICAL"
        }
    }
}
