import Celeriac
import CeleryWire

/// Tasks that send, replace, add to chords, or return signatures.
enum CanvasTasks {
    private typealias Make = Signatures

    @TaskHandlerBuilder static var handlers: [TaskHandler] {
        suite("add_replaced", ["x", "y"]) { context, call in
            try context.replace(with: Signature(Make.task("add", [call["x"], call["y"]])))
        }
        suite("add_replaced_with_chain", ["x", "y"]) { context, call in
            try context.replace(
                with: Signature(.chain([Make.task("add", [call["x"], call["y"]]), Make.task("identity")])))
        }
        suite("record_replaced_task_nesting", ["replacements"], optional: ["nesting"]) { context, call in
            let message = context.request.celeryMessage
            let nesting =
                (call["nesting"].arrayValue ?? []) + [.int(Int64(message?.replacedTaskNesting ?? 0))]
            let left = call["replacements"].intValue ?? 0
            guard left > 0 else { return .array(nesting) }
            var next = Make.task("record_replaced_task_nesting", [.int(Int64(left - 1)), .array(nesting)])
            if let replyTo = context.request.replyTo { next.options["reply_to"] = .string(replyTo) }
            try context.replace(with: Signature(next))
        }
        suite("replace_with_chain", [], takesRest: true) { context, call in
            var chain = CelerySignature.chain([Make.task("identity", call.rest), Make.task("identity")])
            try chain.link(echo(context).encode())
            try context.replace(with: Signature(chain))
        }
        suite("replace_with_chain_which_raises", [], takesRest: true) { context, call in
            var chain = CelerySignature.chain([Make.task("identity", call.rest), Make.task("raise_error")])
            try chain.linkError(echo(context).encode())
            try context.replace(with: Signature(chain))
        }
        suite("replace_with_empty_chain", [], takesRest: true) { context, _ in
            try context.replace(with: Signature(.chain([])))
        }
        suite("replace_with_chain_which_contains_a_group", []) { context, _ in
            try context.replace(
                with: Signature(
                    .chain([Make.task("add", [1, 2]), .group([Make.task("add", [1]), Make.task("add", [1])])])))
        }
        suite("fail_replaced", [], takesRest: true) { context, call in
            try context.replace(with: Signature(Make.task("fail", call.rest, immutable: true)))
        }
        suite("add_to_all", ["nums", "val"]) { context, call in
            try context.replace(
                with: Signature(.group(try call.numbers("nums").map { Make.task("add", [$0, call["val"]]) })))
        }
        suite("add_to_all_to_chord", ["nums", "val"]) { context, call in
            for number in try call.numbers("nums") {
                try await context.addToChord(Signature(Make.task("add", [number, call["val"]])))
            }
            return 0
        }
        suite("add_chord_to_chord", ["nums", "val"]) { context, call in
            let header = try call.numbers("nums").map { Make.task("add", [$0, call["val"]]) }
            try await context.addToChord(Signature(Make.chord(header, Make.task("tsum"))))
            return 0
        }
        suite("build_chain_inside_task", []) { context, _ in
            let result = try await context.send(
                Signature(
                    .chain([
                        Make.task("add", [1, 1]), Make.task("add", [2]),
                        .group([Make.task("add", [3]), Make.task("add", [4])]), Make.task("add", [5]),
                    ])))
            return CeleryResultTuple(result).encode()
        }
        suite("second_order_replace1", [], optional: ["state"]) { context, call in
            guard !call["state"].isTruthy else { return try pushed("Out A") }
            try RedisKeys.push("redis-echo", "In A")
            try context.replace(
                with: Signature(
                    .chain([
                        Make.task("second_order_replace2"),
                        Make.task("second_order_replace1", [], ["state": true], immutable: true),
                    ])))
        }
        suite("second_order_replace2", [], optional: ["state"]) { context, call in
            guard !call["state"].isTruthy else { return try pushed("Out B") }
            try RedisKeys.push("redis-echo", "In B")
            try context.replace(
                with: Signature(
                    .chain([
                        Make.task("redis_echo", ["In/Out C"]),
                        Make.task("second_order_replace2", [], ["state": true], immutable: true),
                    ])))
        }
        suite("replace_with_stamped_task", [], optional: ["replace_with"]) { context, call in
            var next =
                try call["replace_with"].isNull
                ? Make.task("replaced_with_me") : CelerySignature.decode(call["replace_with"])
            let message = context.request.celeryMessage
            var names = (next.options["stamped_headers"]?.arrayValue ?? []).compactMap(\.stringValue)
            for name in message?.stampedHeaders ?? [] where !names.contains(name) {
                names.append(name)
                next.options[name] = message?.stamps[name]
            }
            names.append("StampOnReplace")
            next.options["stamped_headers"] = .array(names.map { .string($0) })
            next.options["StampOnReplace"] = "This is the replaced task"
            try context.replace(with: Signature(next))
        }

        // These tasks leave traces in Redis.
        suite("redis_echo", ["message"], optional: ["redis_key"]) { _, call in
            try RedisKeys.push(call["redis_key"].stringValue ?? "redis-echo", call["message"])
            return .null
        }
        suite("redis_echo_group_id", ["_"], optional: ["redis_key"]) { context, call in
            try RedisKeys.push(
                call["redis_key"].stringValue ?? "redis-group-ids", .string(context.request.groupID ?? ""))
            return .null
        }
        suite("redis_count", [], optional: ["redis_key"]) { _, call in
            try RedisKeys.increment(call["redis_key"].stringValue ?? "redis-count")
            return .null
        }
        suite("sum_and_record", ["values", "redis_key"]) { context, call in
            let sum = try Arithmetic.sum(try call.numbers("values"))
            try RedisKeys.push(call["redis_key"].stringValue ?? "", .string(context.id))
            return sum
        }
        suite("errback_old_style", ["request_id"]) { _, call in
            try RedisKeys.increment(call["request_id"].stringValue ?? "")
            return call["request_id"]
        }
        suite("errback_old_style_with_args", ["request_id", "label"]) { _, call in
            try RedisKeys.push(call["request_id"].stringValue ?? "", call["label"])
            return .null
        }
        TaskHandler(errorCallback: Signatures.prefix + "errback_new_style") { context, _ in
            try RedisKeys.increment(context.id)
        }
        TaskHandler(errorCallback: Signatures.prefix + "errback_new_style_with_args") { context, call in
            try RedisKeys.push(context.id, call.arguments.first ?? call.keywordArguments["label"] ?? .null)
        }

        // These tasks return or decode signatures.
        for outer in ["chain", "group", "chord"] {
            for inner in ["chain", "group", "chord"] {
                suite("return_nested_signature_\(outer)_\(inner)", []) { _, _ in nest(outer, nest(inner, add)).encode()
                }
            }
        }
        suite("rebuild_signature", ["sig_dict"]) { _, call in
            try check(try CelerySignature.decode(call["sig_dict"]))
            return .null
        }
    }

    private static let add = Signatures.task("add")

    private static func nest(_ kind: String, _ inner: CelerySignature) -> CelerySignature {
        switch kind {
        case "chain": .chain([inner])
        case "group": .group([inner])
        default: Signatures.chord([inner], add)
        }
    }

    /// Throws unless every element of a signature is a signature itself.
    private static func check(_ signature: CelerySignature) throws {
        do {
            switch signature.kind {
            case .chain, .group: for member in try signature.members() { try check(member) }
            case .chord:
                for member in try signature.header().members() { try check(member) }
                try check(try signature.body())
            case .task, .chunks: break
            }
        } catch let error as CeleryWireError {
            throw TaskFailure("TypeError", "this is not a signature object: \(error)")
        }
    }

    private static func echo(_ context: TaskContext) -> CelerySignature {
        let message = context.request.keywordArguments["link_msg"] ?? .null
        return message.isNull
            ? Signatures.task("redis_echo") : Signatures.task("redis_echo", [message], immutable: true)
    }

    private static func pushed(_ text: String) throws -> WireValue {
        try RedisKeys.push("redis-echo", .string(text))
        return .null
    }
}
