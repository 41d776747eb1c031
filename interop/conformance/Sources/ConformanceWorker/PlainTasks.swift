import Celeriac
import Foundation

/// Tasks that compute something, wait, or fail.
enum PlainTasks {
    @TaskHandlerBuilder static var handlers: [TaskHandler] {
        suite("identity", ["x"]) { _, call in call["x"] }
        suite("add", ["x", "y"], optional: ["z"]) { _, call in
            let sum = try Arithmetic.add(call["x"], call["y"])
            return call["z"].isTruthy ? try Arithmetic.add(sum, call["z"]) : sum
        }
        for name in ["add_not_typed", "add_with_result"] {
            suite(name, ["x", "y"]) { _, call in try Arithmetic.add(call["x"], call["y"]) }
        }
        suite("add_ignore_result", ["x", "y"], options: TaskOptions(ignoresResult: true)) { _, call in
            try Arithmetic.add(call["x"], call["y"])
        }
        suite("mul", ["x", "y"]) { _, call in try Arithmetic.multiply(call["x"], call["y"]) }
        suite("tsum", ["nums"]) { _, call in try Arithmetic.sum(try call.numbers("nums")) }
        suite("xsum", ["nums"]) { _, call in
            try Arithmetic.sum(try call.numbers("nums").map { try $0.arrayValue.map { try Arithmetic.sum($0) } ?? $0 })
        }
        suite("write_to_file_and_return_int", ["file_name", "i"]) { _, call in
            let path = call["file_name"].stringValue ?? ""
            if !FileManager.default.fileExists(atPath: path) {
                _ = FileManager.default.createFile(atPath: path, contents: nil)
            }
            let file = try FileHandle(forWritingTo: URL(filePath: path))
            defer { try? file.close() }
            try file.seekToEnd()
            try file.write(contentsOf: Data("\(call["i"].intValue ?? 0)\n".utf8))
            return call["i"]
        }
        suite("delayed_sum", ["numbers"], optional: ["pause_time"]) { _, call in
            try await sleep(call["pause_time"].doubleValue ?? 1)
            return try Arithmetic.sum(try call.numbers("numbers"))
        }
        suite("delayed_sum_with_soft_guard", ["numbers"], optional: ["pause_time"]) { _, call in
            do {
                try await sleep(call["pause_time"].doubleValue ?? 1)
            } catch is CancellationError {
                return 0
            }
            return try Arithmetic.sum(try call.numbers("numbers"))
        }
        suite("sleeping", ["i"], takesRest: true) { _, call in
            try await sleep(call["i"].doubleValue ?? 0)
            return .null
        }
        suite("print_unicode", [], optional: ["log_message", "print_message"]) { context, call in
            context.logger.warning("\(call["log_message"].stringValue ?? "håå®ƒ valmuefrø")")
            print(call["print_message"].stringValue ?? "hiöäüß")
            return .null
        }
        suite("return_exception", ["e"]) { _, call in [call["e"], true] }
        for name in ["add_pydantic", "add_pydantic_string_annotations"] {
            suite(name, ["data"]) { _, call in
                guard let x = call["data"]["x"], let y = call["data"]["y"] else {
                    throw TaskFailure("ValueError", "x and y are required")
                }
                return ["result": try Arithmetic.add(x, y)]
            }
        }
        suite("replaced_with_me", []) { _, _ in true }

        // These tasks fail.
        suite("raise_error", [], takesRest: true) { _, _ in throw TaskFailure("ValueError", "deliberate error") }
        suite("fail", [], takesRest: true) { _, call in
            throw TaskFailure(
                type: "ExpectedException", module: "t.integration.tasks",
                arguments: ["Task expected to fail"] + call.rest)
        }
        suite("fail_unpickleable", ["foo", "bar"]) { _, call in
            throw TaskFailure(
                type: "UnpickleableException", module: "t.integration.tasks", arguments: [call["foo"]])
        }
        suite("reject_without_requeue", []) { _, _ in throw Rejection(requeue: false) }
        suite("store_success_then_reject", [], options: TaskOptions(acknowledgement: .late)) { context, _ in
            guard context.request.redelivered else {
                try await context.update(state: .success, value: "first-pass")
                throw Rejection(requeue: true)
            }
            return "dedup-pass"
        }
        suite("reject_then_succeed", [], options: TaskOptions(acknowledgement: .late)) { context, _ in
            guard context.request.redelivered else { throw Rejection(requeue: true) }
            return "second-pass"
        }
    }

    private static func sleep(_ seconds: Double) async throws { try await Task.sleep(for: .seconds(seconds)) }
}

/// A task of the suite.
func suite(
    _ name: String, _ required: [String], optional: [String] = [], takesRest: Bool = false,
    options: TaskOptions = TaskOptions(), prefix: String = Signatures.prefix,
    handler: @escaping @Sendable (TaskContext, Arguments) async throws -> WireValue
) -> TaskHandler {
    TaskHandler(prefix + name, options: options) { context in
        try await handler(
            context, Arguments(context.request, required, optional: optional, takesRest: takesRest))
    }
}
