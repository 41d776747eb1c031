import Celeriac
import MachineryWire

/// The tasks of the captures' Go worker, in Swift.
enum MachineryTasks {
    static let add = TaskDefinition<Variadic<Int>, Int>("add")
    static let multiply = TaskDefinition<Variadic<Int>, Int>("multiply")
    static let echoMulti = TaskDefinition<String, Int, [String], MultipleResults<String, Int, [String]>>("echo_multi")
    static let failTask = TaskDefinition<String, Void>("fail_task")

    static func echo<Value: Codable & Sendable>(_ type: Value.Type, _ name: String) -> TaskHandler {
        TaskDefinition<Value, Value>("echo_\(name)").handler { $0 }
    }

    @TaskHandlerBuilder static var all: [TaskHandler] {
        add.handler { $0.elements.reduce(0, +) }
        multiply.handler { $0.elements.reduce(1, *) }
        echoMulti.handler { MultipleResults($0, $1, $2) }
        echoes
        failures
        results
        TaskDefinition<Void>("noresult").handler {}
        TaskDefinition<String, Variadic<String>, String>("log_error").handler { error, rest in
            "got error \"\(error)\" rest [\(rest.elements.joined(separator: " "))]"
        }
        TaskDefinition<String, String>("echo_ctx").handler { context, text in
            "\(text)|\(context.request.name)|\(context.id)"
        }
        TaskDefinition<Int, String>("retry_later_once").handler { context, milliseconds in
            // It retries only once: the second time, the task has an ETA.
            if context.request.eta == nil { try context.retry(after: .milliseconds(milliseconds)) }
            return "done"
        }
    }

    @TaskHandlerBuilder static var echoes: [TaskHandler] {
        echo(Bool.self, "bool")
        echo(GoInt.self, "int")
        echo(Int8.self, "int8")
        echo(Int16.self, "int16")
        echo(Int32.self, "int32")
        echo(Int64.self, "int64")
        echo(GoUInt.self, "uint")
        echo(UInt8.self, "uint8")
        echo(UInt16.self, "uint16")
        echo(UInt32.self, "uint32")
        echo(UInt64.self, "uint64")
        echo(Float.self, "float32")
        echo(Double.self, "float64")
        echo(String.self, "string")
        echo([Bool].self, "bools")
        echo([GoInt].self, "ints")
        echo([Int8].self, "int8s")
        echo([Int16].self, "int16s")
        echo([Int32].self, "int32s")
        echo([Int64].self, "int64s")
        echo([GoUInt].self, "uints")
        echo([UInt8].self, "uint8s")
        echo([UInt8].self, "bytes")
        echo([UInt16].self, "uint16s")
        echo([UInt32].self, "uint32s")
        echo([UInt64].self, "uint64s")
        echo([Float].self, "float32s")
        echo([Double].self, "float64s")
        echo([String].self, "strings")
    }

    @TaskHandlerBuilder private static var failures: [TaskHandler] {
        failTask.handler { throw TaskFailure("error", $0) }
        TaskDefinition<String, Int>("fail_res_task").handler { throw TaskFailure("error", $0) }
        TaskDefinition<String, Void>("retry_task").handler { throw TaskFailure("error", $0) }
        TaskDefinition<Void>("panic_task").handler { throw TaskFailure("error", "oops") }
        TaskDefinition<Void>("panic_string").handler { throw TaskFailure("error", "string panic") }
        TaskDefinition<Void>("panic_int").handler { throw TaskFailure("error", "Invoking task caused a panic") }
    }

    /// Results of types that Swift lacks are written verbatim.
    private static func result(_ name: String, _ type: String, _ value: WireValue) -> TaskHandler {
        TaskHandler(name) { _ in [MachineryResult(type: type, value: value).wireValue] }
    }

    @TaskHandlerBuilder private static var results: [TaskHandler] {
        TaskDefinition<[Double]>("ret_floats").handler {
            [1, 0.1, 1e21, 1e20, 1e-7, 1e-6, 123456789.125, 0, Double.leastNonzeroMagnitude]
        }
        TaskDefinition<[Float]>("ret_float32s").handler {
            [1, 0.1, 1e21, Float.greatestFiniteMagnitude, 1e-7, 16_777_216]
        }
        TaskDefinition<String>("ret_html").handler { "<a href=\"x\">&é\u{2028}\u{01}" }
        TaskDefinition<Double>("ret_iface").handler { 3.5 }
        result("ret_struct", "common.Point", ["X": 1, "y": "a"])
        result("ret_ptr", "*common.Point", ["X": 2])
        result("ret_map", "map[string]int", ["a": 1, "b": 2])
        result("ret_nil_slice", "[]int64", .null)
    }
}
