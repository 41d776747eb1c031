public import CeleriacWire

/// A running Python process that sends tasks and reads results with Celery's own client.
///
/// It handles one request at a time: a request made while it waits for a result is handled after that. Start several
/// drivers to do several things at once. It ends with ``stop()``, when the object is released, or when this process
/// ends.
public final class PythonDriver: Sendable {
    /// A task to send.
    public struct Message: Sendable {
        /// The task's name.
        public var task: String
        /// The positional arguments.
        public var arguments: [WireValue]
        /// The keyword arguments.
        public var keywords: [String: WireValue]
        /// The options of Celery's `send_task`: `countdown`, `eta`, `expires`, `queue`, `priority`, `headers`,
        /// `serializer`, `compression`, `ignore_result`, `time_limit`, `task_id` …; `link` and `link_error` are lists
        /// of objects with `task`, `args`, `kwargs`, `options`.
        public var options: [String: WireValue]

        /// Creates a message.
        public init(
            _ task: String, _ arguments: [WireValue] = [], keywords: [String: WireValue] = [:],
            options: [String: WireValue] = [:]
        ) {
            self.task = task
            self.arguments = arguments
            self.keywords = keywords
            self.options = options
        }

        var fields: [String: WireValue] {
            [
                "task": .string(task), "args": .array(arguments), "kwargs": WireValue(keywords),
                "options": WireValue(options),
            ]
        }
    }

    private let process: PythonProcess
    private let conversation: LineConversation

    /// The process id.
    public var pid: Int32 { process.child.pid }

    init(_ process: PythonProcess) async throws {
        self.process = process
        conversation = LineConversation(with: process.child)
        // Any answer shows that Celery was imported and that the settings are valid.
        _ = try await ask("state", ["id": "celeriac-ready"], failure: .startFailed)
    }

    deinit {
        conversation.close()
    }

    /// Sends a task and returns its id.
    ///
    /// Pass datetimes, decimals, UUIDs and bytes as objects with `__type__` and `__value__`; Python converts them to
    /// its own types before it sends the task.
    ///
    /// - Throws: ``TestKitError`` with code `peerFailed` if Python raises an exception or has ended, as do all other
    ///   functions here.
    @discardableResult
    public func send(
        _ task: String, _ arguments: [WireValue] = [], keywords: [String: WireValue] = [:],
        options: [String: WireValue] = [:]
    ) async throws -> String {
        let message = Message(task, arguments, keywords: keywords, options: options)
        return try text(await ask("send", message.fields)["id"])
    }

    /// Sends tasks one after another and returns their ids.
    public func send(_ messages: [Message]) async throws -> [String] {
        let answer = try await ask("send_many", ["messages": .array(messages.map { WireValue($0.fields) })])
        return try (answer["ids"]?.arrayValue ?? []).map { try text($0) }
    }

    /// Waits for a result with `AsyncResult.get()`.
    public func get(_ id: String, timeout: Duration = .seconds(60)) async throws -> PythonOutcome {
        try outcome(await ask("get", ["id": .string(id), "timeout": timeout.seconds]))
    }

    /// Waits for results one after another, for at most `timeout` in all.
    public func get(_ ids: [String], timeout: Duration = .seconds(60)) async throws -> [PythonOutcome] {
        let ids = WireValue.array(ids.map { .string($0) })
        let answer = try await ask("get_many", ["ids": ids, "timeout": timeout.seconds])
        return try (answer["results"]?.arrayValue ?? []).map { try outcome($0) }
    }

    /// The current state of a task, from `AsyncResult.state`.
    public func state(_ id: String) async throws -> String {
        try text(await ask("state", ["id": .string(id)])["state"])
    }

    /// Deletes a result with `AsyncResult.forget()`.
    public func forget(_ id: String) async throws {
        _ = try await ask("forget", ["id": .string(id)])
    }

    /// Pings workers until one answers or `timeout` has passed, and returns the answers.
    public func ping(timeout: Duration = .seconds(60)) async throws -> [WireValue] {
        try await ask("ping", ["timeout": timeout.seconds])["replies"]?.arrayValue ?? []
    }

    /// Calls a method of `app.control.inspect()` and returns its result: an object by node name, or null if no worker
    /// answered in time.
    public func inspect(_ method: String, timeout: Duration = .seconds(1)) async throws -> WireValue {
        try await ask("inspect", ["method": .string(method), "timeout": timeout.seconds])["replies"] ?? .null
    }

    /// Requests any of the driver's operations, which are listed at the top of `driver.py`.
    public func ask(_ operation: String, _ fields: [String: WireValue] = [:]) async throws -> WireValue {
        try await ask(operation, fields, failure: .peerFailed)
    }

    /// Ends the driver.
    public func stop() async {
        conversation.close()
        await process.child.stop(grace: .seconds(5))
    }

    private func ask(_ operation: String, _ fields: [String: WireValue], failure: TestKitError.Code) async throws
        -> WireValue
    {
        var question = fields
        question["op"] = .string(operation)
        guard let answer = try await conversation.ask(WireValue(question)) else {
            throw process.failure(failure, "has ended")
        }
        if let failed = answer["failed"] {
            let traceback = failed["traceback"]?.stringValue ?? ""
            throw TestKitError(failure, "the Python driver failed to \(operation):\n\(traceback)")
        }
        return answer
    }

    private func text(_ value: WireValue?) throws(TestKitError) -> String {
        guard let text = value?.stringValue else { throw unexpected() }
        return text
    }

    private func outcome(_ answer: WireValue) throws(TestKitError) -> PythonOutcome {
        guard let outcome = PythonOutcome(answer: answer) else { throw unexpected() }
        return outcome
    }

    private func unexpected() -> TestKitError {
        process.failure(.peerFailed, "gave an answer that does not match the request")
    }
}

extension WireValue {
    /// Creates an object with these keys, in any order.
    init(_ dictionary: [String: WireValue]) {
        self = .object(WireObject(dictionary.map { ($0.key, $0.value) }))
    }
}

extension Duration {
    /// The duration in seconds, the unit that Celery uses.
    fileprivate var seconds: WireValue { .double(self / .seconds(1)) }
}

/// The outcome of Python's `AsyncResult.get()`.
public enum PythonOutcome: Sendable, Hashable {
    /// It returned this value. Datetimes, decimals, UUIDs and bytes are objects with `__type__` and `__value__`.
    case success(WireValue)
    /// It raised this exception.
    case failure(state: String, type: String, module: String, arguments: [WireValue])
    /// It timed out; the task had this state.
    case timeout(state: String)

    /// The returned value; nil for the other outcomes.
    public var value: WireValue? {
        if case .success(let value) = self { value } else { nil }
    }

    /// Decodes the driver's answer; nil if it is not an outcome.
    init?(answer: WireValue) {
        guard let state = answer["state"]?.stringValue else { return nil }
        if let result = answer["result"] {
            self = .success(result)
        } else if let error = answer["error"], let type = error["type"]?.stringValue {
            self = .failure(
                state: state, type: type, module: error["module"]?.stringValue ?? "",
                arguments: error["args"]?.arrayValue ?? [])
        } else if answer["timeout"]?.boolValue == true {
            self = .timeout(state: state)
        } else {
            return nil
        }
    }
}
