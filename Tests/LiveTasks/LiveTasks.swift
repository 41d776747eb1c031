package import Celeriac
package import CeleriacWire
package import Foundation

/// Tasks of the Python peer in Swift, with the same names and results: those that workers of live tests in this process and
/// in `LiveProgram` have in common. `tasks.add` is not among them, since their users' differ.
package enum LiveTasks {
    /// Greets somebody.
    package static let greet = TaskDefinition<String, String, String, String>(
        "tasks.greet", parameters: "name", .init("greeting", default: "Hello"), .init("mark", default: "!"))

    /// A datetime with a time zone, and other values that JSON cannot express.
    package struct Rich: Codable, Sendable, Hashable {
        package var instant: Date
        package var local: LocalDateTime
        package var date: LocalDate
        package var time: LocalTime
        package var decimal: Decimal
        package var uuid: UUID
        package var bytes: [UInt8]

        package init(
            instant: Date, local: LocalDateTime, date: LocalDate, time: LocalTime, decimal: Decimal, uuid: UUID,
            bytes: [UInt8]
        ) {
            self.instant = instant
            self.local = local
            self.date = date
            self.time = time
            self.decimal = decimal
            self.uuid = uuid
            self.bytes = bytes
        }
    }
    /// Returns its argument.
    package static let rich = TaskDefinition<Rich, Rich>("tasks.rich")
    /// Multiplies two numbers.
    package static let multiply = TaskDefinition<Int, Int, Int>("tasks.multiply", parameters: "x", "y")
    /// Adds numbers.
    package static let sum = TaskDefinition<[Int], Int>("tasks.sum_ints")
    /// Fails with an exception of this type.
    package static let fail = TaskDefinition<String, Variadic<WireValue>, Void>("tasks.fail")
    /// Succeeds when it has been retried so often.
    package static let retryUntil = TaskDefinition<Int, Double, Int>(
        "tasks.retry_until", parameters: "count", .init("countdown", default: 0.1))
    /// Never succeeds.
    package static let retryExhaust = TaskDefinition<Int, Double, Void>(
        "tasks.retry_exhaust", parameters: .init("max_retries", default: 2), .init("countdown", default: 0.1))

    /// Their handlers.
    @TaskHandlerBuilder package static var handlers: [TaskHandler] {
        multiply.handler { $0 * $1 }
        sum.handler { $0.reduce(0, +) }
        TaskHandler("tasks.echo") { context in
            ["args": .array(context.request.arguments), "kwargs": .object(context.request.keywordArguments)]
        }
        greet.handler { name, greeting, mark in "\(greeting), \(name)\(mark)" }
        rich.handler { $0 }
        // The custom header of a name.
        TaskHandler("tasks.header") { context in
            context.request.headers[context.request.arguments.first?.stringValue ?? ""] ?? .null
        }
        fail.handler { name, arguments in throw TaskFailure(type: name, arguments: arguments.elements) }
        retryUntil.handler(options: TaskOptions(retry: RetryPolicy(maximumRetries: nil))) { context, count, countdown in
            if context.retries < count { try context.retry(after: .seconds(countdown)) }
            return context.retries
        }
        retryExhaust.handler { context, maximum, countdown in
            try context.retry(
                after: .seconds(countdown), maximumRetries: maximum,
                cause: TaskFailure(type: "ValueError", arguments: ["never good", .int(Int64(context.retries))]))
        }
    }
}
