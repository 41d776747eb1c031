import ArgumentParser
import CeleriacWire
import Foundation
import Logging

/// How a worker or a beat writes its log.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    /// Lines as Celery's workers write them.
    case celery
    /// One JSON object a line.
    case json

    /// Makes a logger that writes messages from a level on to a target.
    func logger(to target: LogTarget, from level: Logger.Level) -> Logger {
        var logger =
            switch self {
            case .celery: Logger(label: "celeriac") { _ in WorkerLogHandler(target: target) }
            case .json: Logger(label: "celeriac") { label in JSONLogHandler(label: label, target: target) }
            }
        logger.logLevel = level
        return logger
    }
}

/// Writes one JSON object a line, for what collects and searches logs.
///
/// An object has `time` (UTC), `level` under Python's name, `logger`, `message` in Celery's words where Celery logs the
/// same, and `event`, which stays the same whatever the task. The metadata follow under their own names, `task` and
/// `task-id` among them; one whose name is taken has `metadata.` before it.
struct JSONLogHandler: LogHandler {
    let label: String
    let target: LogTarget
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(label: String, target: LogTarget) {
        self.label = label
        self.target = target
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        target.write(Self.line(event.level, event.message.description, all, logger: label, at: Date()))
    }

    /// The line of a message.
    static func line(
        _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata, logger: String, at time: Date
    ) -> String {
        var object: WireObject = [
            "time": .string(LogTime.utc(time)), "level": .string(WorkerLogHandler.name(of: level)),
            "logger": .string(logger), "message": .string(CeleryLine(message, metadata).text),
            "event": .string(message),
        ]
        let own = Set(object.keys)
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
            object[own.contains(name) ? "metadata.\(name)" : name] = WireValue(metadata: value)
        }
        let bytes = (try? WireJSON.encode(.object(object), nonFinite: .allow)) ?? []
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension WireValue {
    /// Makes the value of a log's metadata.
    fileprivate init(metadata value: Logger.MetadataValue) {
        switch value {
        case .string(let text): self = .string(text)
        case .stringConvertible(let value): self = .string(value.description)
        case .array(let values): self = .array(values.map { WireValue(metadata: $0) })
        case .dictionary(let values):
            self = .object(
                WireObject(values.sorted { $0.key < $1.key }.map { ($0.key, WireValue(metadata: $0.value)) }))
        }
    }
}
