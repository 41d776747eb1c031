import Celeriac
import MachineryWire

/// The tasks of `../go/peer`.
enum Tasks {
    static let add = TaskDefinition<Variadic<Int>, Int>("add")
    static let multiply = TaskDefinition<Variadic<Int>, Int>("multiply")
    static let echoMulti = TaskDefinition<String, Int, [String], MultipleResults<String, Int, [String]>>("echo_multi")
    static let echoHeader = TaskDefinition<String, String>("echo_header")
    static let noResult = TaskDefinition<Void>("noresult")
    static let fail = TaskDefinition<String, Void>("fail_task")
    static let failWithResult = TaskDefinition<String, Int>("fail_res_task")
    static let logError = TaskDefinition<String, Variadic<String>, String>("log_error")
    static let retry = TaskDefinition<String, Void>("retry_task")
    static let failOnce = TaskDefinition<String, String>("fail_once")
    static let retryLaterOnce = TaskDefinition<Int, String>("retry_later_once")

    static func echo<Value: Codable & Sendable>(_ type: Value.Type, _ name: String) -> TaskDefinition<Value, Value> {
        TaskDefinition("echo_\(name)")
    }

    @TaskHandlerBuilder static var handlers: [TaskHandler] {
        add.handler { $0.elements.reduce(0, +) }
        multiply.handler { $0.elements.reduce(1, *) }
        echoes
        echoMulti.handler { MultipleResults($0, $1, $2) }
        echoHeader.handler { context, name in context.machinerySignature?.headers?[name]?.stringValue ?? "" }
        noResult.handler {}
        failures
        retries
    }

    private static func echoing<Value: Codable & Sendable>(_ type: Value.Type, _ name: String) -> TaskHandler {
        echo(type, name).handler { $0 }
    }

    @TaskHandlerBuilder private static var echoes: [TaskHandler] {
        echoing(Bool.self, "bool")
        echoing(GoInt.self, "int")
        echoing(Int8.self, "int8")
        echoing(Int16.self, "int16")
        echoing(Int32.self, "int32")
        echoing(Int64.self, "int64")
        echoing(GoUInt.self, "uint")
        echoing(UInt8.self, "uint8")
        echoing(UInt16.self, "uint16")
        echoing(UInt32.self, "uint32")
        echoing(UInt64.self, "uint64")
        echoing(Float.self, "float32")
        echoing(Double.self, "float64")
        echoing(String.self, "string")
        echoing([UInt8].self, "bytes")
        echoing([Bool].self, "bools")
        echoing([GoInt].self, "ints")
        echoing([Int8].self, "int8s")
        echoing([Int16].self, "int16s")
        echoing([Int32].self, "int32s")
        echoing([Int64].self, "int64s")
        echoing([GoUInt].self, "uints")
        echoing([UInt8].self, "uint8s")
        echoing([UInt16].self, "uint16s")
        echoing([UInt32].self, "uint32s")
        echoing([UInt64].self, "uint64s")
        echoing([Float].self, "float32s")
        echoing([Double].self, "float64s")
        echoing([String].self, "strings")
    }

    @TaskHandlerBuilder private static var failures: [TaskHandler] {
        fail.handler { throw TaskFailure("error", $0) }
        failWithResult.handler { throw TaskFailure("error", $0) }
        TaskDefinition<Void>("panic_task").handler { throw TaskFailure("error", "oops") }
        TaskDefinition<Void>("panic_string").handler { throw TaskFailure("error", "string panic") }
        TaskDefinition<Void>("panic_int").handler { throw TaskFailure("error", "Invoking task caused a panic") }
        logError.handler { error, rest in
            "got error \"\(error)\" rest [\(rest.elements.joined(separator: " "))]"
        }
    }

    /// A task has an ETA only when it is retried.
    @TaskHandlerBuilder private static var retries: [TaskHandler] {
        retry.handler { throw TaskFailure("error", $0) }
        failOnce.handler { context, text in
            if context.request.eta == nil { throw TaskFailure("error", text) }
            return "done"
        }
        retryLaterOnce.handler { context, milliseconds in
            if context.request.eta == nil { try context.retry(after: .milliseconds(milliseconds)) }
            return "done"
        }
    }
}
