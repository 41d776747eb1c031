import Celeriac

/// The tasks that the Go worker of the captures served, in Swift.
enum MachineryTasks {
    static let add = TaskName<Rest<Int>, Int>("add")
    static let multiply = TaskName<Rest<Int>, Int>("multiply")
    static let echoMulti = TaskName<String, Int, [String], Results<String, Int, [String]>>("echo_multi")
    static let failTask = TaskName<String, Void>("fail_task")

    static func echo<Value: Codable & Sendable>(_ type: Value.Type, _ name: String) -> TaskHandler {
        TaskName<Value, Value>("echo_\(name)").handled { $0 }
    }

    @TaskHandlerBuilder static var all: [TaskHandler] {
        add.handled { $0.elements.reduce(0, +) }
        multiply.handled { $0.elements.reduce(1, *) }
        echoMulti.handled { Results($0, $1, $2) }
        echoes
        failures
        results
        TaskName<Void>("noresult").handled {}
        TaskName<String, Rest<String>, String>("log_error").handled { error, rest in
            "got error \"\(error)\" rest [\(rest.elements.joined(separator: " "))]"
        }
        TaskName<String, String>("echo_ctx").handled { context, text in
            "\(text)|\(context.request.name)|\(context.id)"
        }
        TaskName<Int, String>("retry_later_once").handled { context, milliseconds in
            // Once only: the second time it comes with a time.
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
        failTask.handled { throw TaskFailure("error", $0) }
        TaskName<String, Int>("fail_res_task").handled { throw TaskFailure("error", $0) }
        TaskName<String, Void>("retry_task").handled { throw TaskFailure("error", $0) }
        TaskName<Void>("panic_task").handled { throw TaskFailure("error", "oops") }
        TaskName<Void>("panic_string").handled { throw TaskFailure("error", "string panic") }
        TaskName<Void>("panic_int").handled { throw TaskFailure("error", "Invoking task caused a panic") }
    }

    /// Results of types that Swift has no name for are written as they stand.
    private static func result(_ name: String, _ type: String, _ value: WireValue) -> TaskHandler {
        TaskHandler(name) { _ in [MachineryResult(type: type, value: value).wireValue] }
    }

    @TaskHandlerBuilder private static var results: [TaskHandler] {
        TaskName<[Double]>("ret_floats").handled {
            [1, 0.1, 1e21, 1e20, 1e-7, 1e-6, 123456789.125, 0, Double.leastNonzeroMagnitude]
        }
        TaskName<[Float]>("ret_float32s").handled { [1, 0.1, 1e21, Float.greatestFiniteMagnitude, 1e-7, 16_777_216] }
        TaskName<String>("ret_html").handled { "<a href=\"x\">&é\u{2028}\u{01}" }
        TaskName<Double>("ret_iface").handled { 3.5 }
        result("ret_struct", "common.Point", ["X": 1, "y": "a"])
        result("ret_ptr", "*common.Point", ["X": 2])
        result("ret_map", "map[string]int", ["a": 1, "b": 2])
        result("ret_nil_slice", "[]int64", .null)
    }
}
