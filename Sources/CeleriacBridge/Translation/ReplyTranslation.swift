package import CeleriacCore
import CeleriacWire
import MachineryDialect
import MachineryWire

/// Makes the outcome of a request at the source of the result of its task at the target.
package struct ReplyTranslation: Sendable {
    private let route: BridgeRoute
    private let source: BridgeDialect
    private let values: ValueTranslation

    /// Makes a translation of what comes back to a task system.
    package init(_ route: BridgeRoute, to source: BridgeDialect) {
        self.route = route
        self.source = source
        values = ValueTranslation(route.leniencies)
    }

    /// Translates a final result. One that cannot be carried is a failure that says why.
    package func outcome(of result: TaskResult, for request: TaskRequest) -> Outcome {
        switch result.state {
        case .success:
            do throws(MessageFault) {
                return .success(try value(of: result.value, for: request))
            } catch {
                return .failure(failure("the task has ended, but its result cannot be carried: \(error.detail)"))
            }
        case .revoked: return .revoked(.revoked)
        default:
            guard let error = result.error else { return .failure(failure("the task has failed")) }
            return .failure(failure(error))
        }
    }

    private func value(of value: WireValue, for request: TaskRequest) throws(MessageFault) -> WireValue {
        switch source {
        case .machinery: return .array(try results(of: value, for: request).map(\.wireValue))
        case .celery: return try python(value)
        }
    }

    // MARK: Towards Go

    private func results(of value: WireValue, for request: TaskRequest) throws(MessageFault) -> [MachineryResult] {
        let rule = try? route.tasks.rule(for: request.name).rule
        guard let types = rule?.returns else {
            return value.isNull ? [] : [try result(value, type: nil, "the result")]
        }
        if types.count == 1 { return [try result(value, type: types[0], "the result")] }
        guard !types.isEmpty else { return [] }
        guard case .array(let elements) = value, elements.count == types.count else {
            throw MessageFault(
                reason: "resultCount", detail: "the task returned no list of \(types.count) results")
        }
        var results: [MachineryResult] = []
        for (index, element) in elements.enumerated() {
            results.append(try result(element, type: types[index], "result \(index + 1)"))
        }
        return results
    }

    private func result(_ value: WireValue, type: String?, _ place: String) throws(MessageFault) -> MachineryResult {
        let argument = try values.argument(of: value, type: type, place)
        // Go itself names bytes otherwise in results than in arguments.
        return MachineryResult(type: GoType(name: argument.type)?.name ?? argument.type, value: argument.value)
    }

    // MARK: Towards Python

    /// Nothing, one value, or a list of several.
    private func python(_ value: WireValue) throws(MessageFault) -> WireValue {
        var found: [WireValue] = []
        for (index, element) in (value.arrayValue ?? []).enumerated() {
            guard let result = MachineryResult(wire: element) else { return value }
            // A type that no peer of Go's can read is JSON all the same.
            guard GoType(name: result.type) != nil else {
                found.append(result.value)
                continue
            }
            found.append(try values.value(of: result.argument, "result \(index + 1)"))
        }
        return found.count > 1 ? .array(found) : found.first ?? .null
    }

    // MARK: Failures

    private func failure(_ error: RemoteTaskError) -> TaskFailure {
        var failure = error.failure
        switch source {
        case .machinery:
            if failure.module == "builtins" { failure.module = nil }
            return TaskFailure("error", failure.text)
        case .celery:
            return TaskFailure(
                type: "RuntimeError", module: "builtins", arguments: failure.arguments, traceback: failure.traceback)
        }
    }

    private func failure(_ text: String) -> TaskFailure {
        switch source {
        case .machinery: TaskFailure("error", text)
        case .celery: TaskFailure("RuntimeError", module: "builtins", text)
        }
    }
}
