public import CeleriacWire

/// A running Python process that sends tasks and reads results with Celery's own client.
///
/// It does one thing after another: what is asked of it while it waits for a result is done afterwards. Start several for
/// several things at once. It ends with ``stop()``, when the object is released, or when this process ends.
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
        /// `serializer`, `compression`, `ignore_result`, `time_limit`, `task_id` …; `link` and `link_error` are lists of
        /// objects with `task`, `args`, `kwargs`, `options`.
        public var options: [String: WireValue]

        /// Makes a message.
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
        // Any answer shows that Celery has been imported and the settings are good.
        _ = try await ask("state", ["id": "celeriac-ready"], failure: .startFailed)
    }

    deinit {
        conversation.close()
    }

    /// Sends a task and returns its id.
    ///
    /// Datetimes, decimals, UUIDs and bytes are given as objects with `__type__` and `__value__`: Python makes its own
    /// objects of them before it sends.
    ///
    /// - Throws: ``TestKitError`` with code `peerFailed` if Python raised an exception or has ended; all other functions
    ///   here too.
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

    /// Waits for a result by `AsyncResult.get()`.
    public func get(_ id: String, timeout: Duration = .seconds(30)) async throws -> PythonOutcome {
        try outcome(await ask("get", ["id": .string(id), "timeout": timeout.seconds]))
    }

    /// Waits for results one after another, for all of them no longer than `timeout`.
    public func get(_ ids: [String], timeout: Duration = .seconds(30)) async throws -> [PythonOutcome] {
        let ids = WireValue.array(ids.map { .string($0) })
        let answer = try await ask("get_many", ["ids": ids, "timeout": timeout.seconds])
        return try (answer["results"]?.arrayValue ?? []).map { try outcome($0) }
    }

    /// The state of a task, as `AsyncResult.state` has it now.
    public func state(_ id: String) async throws -> String {
        try text(await ask("state", ["id": .string(id)])["state"])
    }

    /// Deletes a result by `AsyncResult.forget()`.
    public func forget(_ id: String) async throws {
        _ = try await ask("forget", ["id": .string(id)])
    }

    /// Pings workers until one answers or `timeout` has passed; returns the answers.
    public func ping(timeout: Duration = .seconds(10)) async throws -> [WireValue] {
        try await ask("ping", ["timeout": timeout.seconds])["replies"]?.arrayValue ?? []
    }

    /// Calls a method of `app.control.inspect()` and returns what it returned: an object by node name, or null if no
    /// worker answered in time.
    public func inspect(_ method: String, timeout: Duration = .seconds(1)) async throws -> WireValue {
        try await ask("inspect", ["method": .string(method), "timeout": timeout.seconds])["replies"] ?? .null
    }

    /// Asks the driver for any of its operations, which stand at the head of `driver.py`.
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
        guard let line = await conversation.ask(try WireJSON.encode(WireValue(question))) else {
            throw process.failure(failure, "has ended")
        }
        let answer = try WireJSON.decode(line)
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
        process.failure(.peerFailed, "answered something else than was asked")
    }
}

extension WireValue {
    /// An object with these keys, in any order.
    init(_ dictionary: [String: WireValue]) {
        self = .object(WireObject(uniqueKeysWithValues: dictionary.map { ($0.key, $0.value) }))
    }
}

extension Duration {
    /// Seconds, as Celery counts.
    fileprivate var seconds: WireValue { .double(self / .seconds(1)) }
}
