import Celeriac

/// The tasks of `../go/peer`.
enum Tasks {
    static let add = TaskName<Rest<Int>, Int>("add")
    static let multiply = TaskName<Rest<Int>, Int>("multiply")
    static let echoBool = TaskName<Bool, Bool>("echo_bool")
    static let echoInt = TaskName<GoInt, GoInt>("echo_int")
    static let echoInt8 = TaskName<Int8, Int8>("echo_int8")
    static let echoUInt64 = TaskName<UInt64, UInt64>("echo_uint64")
    static let echoFloat32 = TaskName<Float, Float>("echo_float32")
    static let echoFloat64 = TaskName<Double, Double>("echo_float64")
    static let echoString = TaskName<String, String>("echo_string")
    static let echoBytes = TaskName<[UInt8], [UInt8]>("echo_bytes")
    static let echoStrings = TaskName<[String], [String]>("echo_strings")
    static let echoMulti = TaskName<String, Int, [String], Results<String, Int, [String]>>("echo_multi")
    static let noResult = TaskName<Void>("noresult")
    static let fail = TaskName<String, Void>("fail_task")
    static let panic = TaskName<Void>("panic_task")

    @TaskHandlerBuilder static var handlers: [TaskHandler] {
        add.handled { $0.elements.reduce(0, +) }
        multiply.handled { $0.elements.reduce(1, *) }
        echoBool.handled { $0 }
        echoInt.handled { $0 }
        echoInt8.handled { $0 }
        echoUInt64.handled { $0 }
        echoFloat32.handled { $0 }
        echoFloat64.handled { $0 }
        echoString.handled { $0 }
        echoBytes.handled { $0 }
        echoStrings.handled { $0 }
        echoMulti.handled { Results($0, $1, $2) }
        noResult.handled {}
        fail.handled { throw TaskFailure("error", $0) }
        panic.handled { throw TaskFailure("error", "oops") }
    }
}
