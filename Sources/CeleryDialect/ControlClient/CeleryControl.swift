import CeleriacCore
public import CeleriacWire
import CeleryWire

/// Remote control of workers in Python and Swift, as Celery's `app.control` and its `inspect`: asks them what they do,
/// revokes tasks, and changes how they work.
///
/// ```swift
/// for reply in try await celery.control.ping() { print(reply.node) }
/// try await celery.control(destination: ["celery@web1"]).poolGrow(2)
/// ```
///
/// A request goes to all workers, unless a destination or a pattern names some. Nobody knows how many there are, so
/// whoever wants replies waits for the whole ``callAsFunction(destination:pattern:matcher:timeout:limit:)`` `timeout`,
/// unless a limit or the number of names in the destination is reached before. Who does not exist does not reply; that
/// is no error.
///
/// All functions throw ``CeleriacError``: `unsupported` where the transport carries no remote control, `unavailable`
/// when the broker cannot be reached, `configuration` for an empty pattern, which would address all workers; and
/// `CancellationError`.
public struct CeleryControl: Sendable {
    private let caller: ControlCaller
    private var destination: [String]?
    private var pattern: String?
    private var matcher = "glob"
    private var timeout = Duration.seconds(1)
    private var limit: Int?

    package init(_ caller: ControlCaller) {
        self.caller = caller
    }

    /// What was wrong with the replies that the application has had.
    package var trouble: ReplyTrouble { caller.trouble }

    /// Chooses who is asked, and for how long.
    ///
    /// - Parameters:
    ///   - destination: the node names of the workers, such as `celery@web1`; nil for all. An empty list addresses
    ///     nobody, and nothing is sent.
    ///   - pattern: a pattern of node names. Without one, all names match.
    ///   - matcher: how the pattern is read: `glob` as by Python's `fnmatch`, or `pcre`, a regular expression as by
    ///     Python's `re.match`.
    ///   - timeout: how long to wait for replies once the request is published.
    ///   - limit: how many replies to wait for at most; nil for as many as the destination has names, or for all that
    ///     come in time.
    /// - Returns: remote control of these workers.
    public func callAsFunction(
        destination: [String]? = nil, pattern: String? = nil, matcher: String = "glob",
        timeout: Duration = .seconds(1), limit: Int? = nil
    ) -> CeleryControl {
        var control = CeleryControl(caller)
        control.destination = destination
        control.pattern = pattern
        control.matcher = matcher
        control.timeout = timeout
        control.limit = limit
        return control
    }

    /// Sends a command to workers, also one of their own (``CeleryControlCommand``).
    ///
    /// - Parameters:
    ///   - command: the command's name.
    ///   - arguments: its arguments, by name.
    ///   - reply: whether to wait for replies.
    /// - Returns: the replies as they came; none without `reply`.
    /// - Throws: as all functions of ``CeleryControl``.
    @discardableResult
    public func broadcast(
        _ command: String, _ arguments: WireObject = [:], reply: Bool = false
    ) async throws -> [ControlReply<WireValue>] {
        try await ask(command, arguments, reply: reply) { $0 }
    }

    /// Sends a command, and reads the replies with `read`, which returns nil for what the command never replies.
    func ask<Value: Sendable>(
        _ command: String, _ arguments: WireObject = [:], reply: Bool = true, read: (WireValue) -> Value?
    ) async throws -> [ControlReply<Value>] {
        if destination?.isEmpty == true { return [] }
        if pattern?.isEmpty == true || pattern != nil && matcher.isEmpty {
            throw CeleriacError(
                .configuration,
                "a pattern of node names or its matcher is empty: workers would all carry out \(command)")
        }
        var request = CeleryControlRequest(command, arguments: arguments)
        request.destination = destination
        request.pattern = pattern
        request.matcher = pattern.map { _ in matcher }
        guard reply else {
            try await caller.cast(request, timeout: timeout)
            return []
        }
        let replies = try await caller.call(
            request, timeout: timeout, limit: limit ?? destination.map { Set($0).count })
        return replies.map { ControlReply($0, to: command, read: read) }
    }

    /// Sends a command to which workers reply `{"ok": …}`.
    func tell(_ command: String, _ arguments: WireObject = [:], reply: Bool) async throws -> [ControlReply<String>] {
        try await ask(command, arguments, reply: reply) { $0["ok"]?.stringValue }
    }
}
