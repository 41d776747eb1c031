import CeleriacCore
import CeleriacWire
import CeleryWire
import Logging

extension CeleryControlCommand {
    /// The commands that revoke tasks or change how they run.
    static let taskCommands: [CeleryControlCommand] = [
        CeleryControlCommand("revoke") { call in
            try await revoke(call, terminates: call["terminate"]?.isTrue ?? false)
        },
        CeleryControlCommand("terminate") { call in try await revoke(call, terminates: true) },
        CeleryControlCommand("revoke_by_stamped_headers") { call in try revokeByStamps(call) },
        CeleryControlCommand("rate_limit") { call in
            let task = try call.text("task_name")
            let value = try call.required("rate_limit")
            let limit: RateLimit?
            switch try rateLimit(value) {
            case .success(let parsed): limit = parsed
            case .failure(let error): return refused("Invalid rate limit string: \(error.text)")
            }
            guard call.worker.setRateLimit(limit, of: task) else { return refused("unknown task") }
            return ok(limit == nil ? "rate limit disabled successfully" : "new rate limit set successfully")
        },
        CeleryControlCommand("time_limit") { call in
            func limit(_ name: String) throws -> Duration? {
                guard let value = call[name] else { return nil }
                guard let seconds = value.doubleValue, 0...Double(Duration.longestSeconds) ~= seconds else {
                    throw TaskFailure("TypeError", "time_limit() argument '\(name)' must be a number of seconds")
                }
                return seconds == 0 ? nil : .seconds(seconds)
            }
            let limits = TimeLimits(soft: try limit("soft"), hard: try limit("hard"))
            guard call.worker.setTimeLimits(limits, of: call["task_name"]?.stringValue ?? "") else {
                return refused("unknown task")
            }
            return ok("time limits set successfully")
        },
    ]

    // MARK: Revoking

    private static func revoke(_ call: CeleryControlCall, terminates: Bool) async throws -> WireValue {
        let ids = unique(try call.texts("task_id"))
        let signal = try terminates ? Signal.number(call["signal"]) : Signal.terminate
        // What waits for its time may have to be read for it, and matters only to the answer.
        var held = call.worker.jobs.filter { ids.contains($0.request.id) }
        if terminates { held = await call.worker.jobs(withIDs: Set(ids)) }
        call.worker.revoke(ids)
        let running = Set(held.filter { $0.phase == .active }.map(\.request.id))
        await markRevoked(ids.filter { !running.contains($0) }, call)
        guard terminates else { return ok("tasks \(PythonSet.text(of: ids)) flagged as revoked") }
        // Tasks that have not begun never will. Count them too, as Python's worker does.
        let terminated = call.worker.terminate(ids, signal: signal) + held.map(\.request.id)
        return ok(
            terminated.isEmpty
                ? "terminate: tasks unknown" : "terminate: \(unique(terminated).joined(separator: ", "))")
    }

    private static func markRevoked(_ ids: [String], _ call: CeleryControlCall) async {
        do {
            try await call.worker.markRevoked(ids)
        } catch {
            // The worker still drops the tasks when their messages come.
            call.control.logger.warning(
                "could not store that tasks are revoked", metadata: ["tasks": "\(ids.count)", "error": "\(error)"])
        }
    }

    private static func revokeByStamps(_ call: CeleryControlCall) throws -> WireValue {
        let terminates = call["terminate"]?.isTrue ?? false
        let signal = try Signal.number(call["signal"])
        let headers: WireObject
        switch try call.required("headers") {
        case .object(let object): headers = object
        case .array(let pairs):
            headers = WireObject(
                try pairs.map { pair in
                    let parts = (pair.stringValue ?? "").split(separator: "=", omittingEmptySubsequences: false)
                    guard parts.count > 1 else { throw TaskFailure("IndexError", "list index out of range") }
                    return (String(parts[0]), .string(String(parts[1])))
                })
        default: throw TaskFailure("TypeError", "revoke_by_stamped_headers() argument 'headers' must be dict or list")
        }
        let text = PythonRepr(maximumLength: 65_536, maximumDepth: 8).text(of: .object(headers))
        for (name, value) in headers { call.worker.revoke(stamp: name, values: value.arrayValue ?? [value]) }
        guard terminates else { return ok("headers \(text) flagged as revoked, but not terminated") }

        var matches = WireObject()
        var ids: [String] = []
        for job in call.worker.jobs where job.phase == .active {
            for (name, value) in headers {
                guard let stamp = job.request.stamps[name] else { continue }
                let revoked = value.arrayValue ?? [value]
                let common = (stamp.arrayValue ?? [stamp]).filter { revoked.contains($0) }
                if common.isEmpty { continue }
                let known = matches[name]?.arrayValue ?? []
                matches[name] = .array(known + common.filter { !known.contains($0) })
                ids.append(job.request.id)
            }
        }
        call.worker.terminate(ids, signal: signal)
        guard !matches.isEmpty else { return ok("headers \(text) were not terminated") }
        let sets = matches.map { name, values in
            "\(PythonExceptionText.quoted(name)): \(PythonSet.text(of: values.arrayValue ?? []))"
        }
        return ok("headers defaultdict(<class 'set'>, {\(sets.joined(separator: ", "))}) revoked")
    }

    private static func unique(_ ids: [String]) -> [String] {
        var seen: Set<String> = []
        return ids.filter { seen.insert($0).inserted }
    }

    // MARK: Rate limits

    private struct InvalidRateLimit: Error {
        let text: String
    }

    /// Reads a limit as Celery does: text, or a number of runs a second. Nil, for no limit, if the value is empty or
    /// null.
    private static func rateLimit(_ value: WireValue) throws -> Result<RateLimit?, InvalidRateLimit> {
        switch value {
        case .null, .bool(false): return .success(nil)
        case .int, .double, .number:
            guard let number = value.doubleValue, number > 0 else { return .success(nil) }
            return .success(RateLimit(PythonRepr().text(of: value)))
        case .string(let text):
            if text.isEmpty { return .success(nil) }
            if let limit = RateLimit(text) { return .success(limit) }
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, !["s", "m", "h", ""].contains(parts[1]) {
                throw TaskFailure("KeyError", String(parts[1]))
            }
            // Zero means no limit.
            if Double(parts[0]) == 0 { return .success(nil) }
            let message = "could not convert string to float: \(PythonExceptionText.quoted(String(parts[0])))"
            return .failure(
                InvalidRateLimit(
                    text: PythonExceptionText.text(type: "ValueError", arguments: [.string(message)])))
        default: throw TaskFailure("TypeError", "rate_limit() argument 'rate_limit' must be str or a number")
        }
    }
}

/// Signals by the names that callers of `terminate` use.
private enum Signal {
    /// SIGTERM.
    static let terminate: Int32 = 15

    /// Finds the number of a signal; SIGTERM if the caller names none.
    ///
    /// - Throws: The ``TaskFailure`` that Python raises if the value is not a signal.
    static func number(_ value: WireValue?) throws -> Int32 {
        switch value {
        case nil, .null?: return terminate
        case .int(let number)?:
            guard let number = Int32(exactly: number), (1...64).contains(number) else {
                throw TaskFailure("ValueError", "signal number out of range")
            }
            return number
        case .string(let name)?:
            guard name.uppercased() == name else {
                throw TaskFailure("TypeError", "signal name must be uppercase string.")
            }
            let short = name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name
            guard let number = numbers[short] else {
                throw TaskFailure("AttributeError", "module 'signal' has no attribute 'SIG\(short)'")
            }
            return number
        default: throw TaskFailure("TypeError", "signal name must be uppercase string.")
        }
    }

    /// Linux's signal numbers. They appear only in events: no process gets these signals.
    private static let numbers: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ABRT": 6, "KILL": 9, "USR1": 10, "USR2": 12, "ALRM": 14, "TERM": 15,
        "CONT": 18, "STOP": 19,
    ]
}

/// Sets as Python shows them.
private enum PythonSet {
    static func text(of ids: [String]) -> String { text(of: ids.map { .string($0) }) }

    static func text(of values: [WireValue]) -> String {
        if values.isEmpty { return "set()" }
        let texts = values.map { value in
            if case .string(let string) = value { return PythonExceptionText.quoted(string) }
            return PythonRepr().text(of: value)
        }
        return "{\(texts.joined(separator: ", "))}"
    }
}
