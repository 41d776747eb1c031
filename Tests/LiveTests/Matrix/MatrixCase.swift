import Celeriac
import CeleriacWire
import Foundation
import Testing

/// A case of the live matrix, tried in each direction on each transport.
///
/// Most cases are a call and its outcome, as data that any runner can use. The others need more than one call.
struct MatrixCase: Sendable, CustomTestStringConvertible {
    /// A call of one of the Python peer's tasks, whose name omits `tasks.`.
    struct Call: Sendable {
        var task: String
        var arguments: [WireValue] = []
        var keywords: WireObject = [:]
        /// The options in the form of Python's `send_task`.
        var pythonOptions: [String: WireValue] = [:]
        /// The same options in Swift, created when the task is sent.
        var swiftOptions: @Sendable () -> SendOptions = { SendOptions() }
        /// The same call with types, for Swift to send as well. Its result is a number.
        var typed: Signature<WireNumber>?
        var outcome: Outcome
    }
    /// The outcome of a call.
    enum Outcome: Sendable, Equatable {
        case value(WireValue)
        case failure(state: String = "FAILURE", type: String, module: String = "builtins", arguments: [WireValue])
    }
    enum Kind: Sendable {
        case call(Call)
        case richTypes, countdown, eta, ignoredResult, priorities, headers, refusedPickle
    }

    /// The name of the case's row.
    let name: String
    let kind: Kind
    private var needsCompression = false

    var testDescription: String { name }

    /// Why the case does not apply to a transport; nil if it does.
    func notApplicable(on transport: MatrixTransport) -> String? {
        if case .priorities = kind, transport == .filesystem { return "the filesystem has no priorities" }
        #if !Compression
        if needsCompression { return "needs the trait Compression" }
        #endif
        return nil
    }

    static let all: [MatrixCase] = [
        add("positional arguments", [2, 3], typed: MatrixTasks.add(2, 3)),
        add("keyword arguments", [], ["x": 2, "y": 3], typed: MatrixTasks.add.keywords(2, 3)),
        add("mixed arguments", [2], ["y": 3]),
        MatrixCase(
            "default arguments",
            Call(task: "greet", arguments: ["Ada"], keywords: ["mark": "?"], outcome: .value("Hello, Ada?"))),
        echo("*args and **kwargs", [1, 2], ["a": 3]),
        echo("every JSON type", [json]),
        MatrixCase("datetime, date, time, decimal, uuid, bytes", .richTypes),
        MatrixCase("countdown", .countdown),
        MatrixCase("eta", .eta),
        MatrixCase(
            "expires",
            Call(
                task: "add", arguments: [1, 1], pythonOptions: ["countdown": 2, "expires": 1],
                swiftOptions: { SendOptions(countdown: .seconds(2), expires: Date().addingTimeInterval(1)) },
                outcome: .failure(
                    state: "REVOKED", type: "TaskRevokedError", module: "celery.exceptions", arguments: ["expired"]))),
        MatrixCase("ignore_result", .ignoredResult),
        MatrixCase(
            "failing task",
            Call(
                task: "fail", arguments: ["ValueError", "boom", 42],
                outcome: .failure(type: "ValueError", arguments: ["boom", 42]))),
        MatrixCase(
            "retry until success", Call(task: "retry_until", arguments: [2, 0.1], outcome: .value(2))),
        MatrixCase(
            "retry until exhaustion",
            Call(
                task: "retry_exhaust", arguments: [2, 0.1],
                outcome: .failure(type: "ValueError", arguments: ["never good", 2]))),
        MatrixCase("priority", .priorities),
        add("custom queue", [2, 3], python: ["queue": "custom"]) { SendOptions(queue: "custom") },
        MatrixCase("custom headers", .headers),
        compressed("zlib", .zlib, needsTrait: false),
        compressed("bzip2", .bzip2),
        compressed("lzma", .xz),
        compressed("zstd", .zstd),
        add("msgpack body", [2, 3], python: ["serializer": "msgpack"]) { SendOptions(serializer: .msgpack) },
        add("yaml body", [2, 3], python: ["serializer": "yaml"]) { SendOptions(serializer: .yaml) },
        MatrixCase("pickle refused", .refusedPickle),
    ]
}

// MARK: Making cases

extension MatrixCase {
    private init(_ name: String, _ kind: Kind) {
        self.name = name
        self.kind = kind
    }

    private init(_ name: String, _ call: Call) { self.init(name, .call(call)) }

    /// An addition whose result is 5.
    private static func add(
        _ name: String, _ arguments: [WireValue], _ keywords: WireObject = [:],
        typed: Signature<WireNumber>? = nil, python: [String: WireValue] = [:],
        swift: @escaping @Sendable () -> SendOptions = { SendOptions() }
    ) -> MatrixCase {
        MatrixCase(
            name,
            Call(
                task: "add", arguments: arguments, keywords: keywords, pythonOptions: python, swiftOptions: swift,
                typed: typed, outcome: .value(5)))
    }

    /// A task that returns its arguments.
    private static func echo(
        _ name: String, _ arguments: [WireValue], _ keywords: WireObject = [:],
        python: [String: WireValue] = [:], swift: @escaping @Sendable () -> SendOptions = { SendOptions() }
    ) -> MatrixCase {
        MatrixCase(
            name,
            Call(
                task: "echo", arguments: arguments, keywords: keywords, pythonOptions: python, swiftOptions: swift,
                outcome: .value(["args": .array(arguments), "kwargs": .object(keywords)])))
    }

    private static func compressed(_ name: String, _ compression: Compression, needsTrait: Bool = true) -> MatrixCase {
        let text = WireValue.string(String(repeating: "celeriac ", count: 200))
        var made = echo("\(name) body", [text], python: ["compression": .string(name)]) {
            SendOptions(compression: compression)
        }
        made.needsCompression = needsTrait
        return made
    }

    private static let json: WireValue = [
        nil, true, false, -3, .number("1180591620717411303424"), 1.5, 2.0, "héllo \u{1F966} \u{0} \"\\ \u{2028}",
        [1, [2, []]], ["a": ["b": nil], "": 0],
    ]

    /// The Celery wire form of ``MatrixTasks/Rich``.
    static let rich: WireValue = [
        "instant": ["__type__": "datetime", "__value__": "2026-11-23T12:30:15.250000+00:00"],
        "local": ["__type__": "datetime", "__value__": "2026-11-23T12:30:15"],
        "date": ["__type__": "date", "__value__": "2026-11-23"],
        "time": ["__type__": "time", "__value__": "12:30:15.250000"],
        "decimal": ["__type__": "decimal", "__value__": "1.25"],
        "uuid": ["__type__": "uuid", "__value__": ["hex": "12345678123456781234567812345678"]],
        "bytes": ["__type__": "base64", "__value__": "AP/+"],
    ]
}

/// Why a case of the live matrix failed.
struct CaseFailure: Error, CustomStringConvertible {
    let description: String
}

/// Throws unless two values are equal.
func expect<Value: Equatable>(_ got: Value, _ wanted: Value, _ what: String = "result") throws {
    guard got == wanted else { throw CaseFailure(description: "\(what) is \(got), not \(wanted)") }
}

/// Throws unless a condition holds.
func expect(_ condition: Bool, _ what: String) throws {
    guard condition else { throw CaseFailure(description: what) }
}
