import CeleriacWire
import CeleryWire
import Testing

/// A result, and what `encode` of a result store of Celery 5.7.0 makes of it.
struct WrittenResult: Sendable, CustomTestStringConvertible {
    let serializer: CelerySerializer
    let meta: CeleryResultMeta
    let bytes: [UInt8]
    var testDescription: String { "\(meta.status) as \(serializer)" }

    private static let succeeded = CeleryResultMeta(
        status: "SUCCESS", result: ["sum": 5, "text": "é", "none": nil, "half": 0.5, "big": 9_007_199_254_740_992],
        children: [], dateDone: "2026-11-23T03:14:36.341511+00:00", taskID: "id-1", groupID: "g-1", parentID: "p-1")
    private static let failed = CeleryResultMeta(
        status: "FAILURE", result: ["exc_type": "ValueError", "exc_message": ["boom", 42], "exc_module": "builtins"],
        traceback: "Traceback x", children: [], dateDone: "2026-11-23T03:14:36.341511+00:00", taskID: "id-1",
        groupID: "g-1", parentID: "p-1")
    private static let retried = CeleryResultMeta(
        status: "RETRY", result: ["exc_type": "KeyError", "exc_message": ["k"], "exc_module": "builtins"],
        traceback: "Traceback x", children: [], taskID: "id-1", groupID: "g-1", parentID: "p-1")

    static let all: [WrittenResult] = [
        WrittenResult(
            serializer: .json, meta: succeeded,
            bytes: text(
                #"""
                {"status": "SUCCESS", "result": {"sum": 5, "text": "\u00e9", "none": null, "half": 0.5, "big": 90071\#
                99254740992}, "traceback": null, "children": [], "date_done": "2026-11-23T03:14:36.341511+00:00", "g\#
                roup_id": "g-1", "parent_id": "p-1", "task_id": "id-1"}
                """#)),
        WrittenResult(
            serializer: .json, meta: failed,
            bytes: text(
                #"""
                {"status": "FAILURE", "result": {"exc_type": "ValueError", "exc_message": ["boom", 42], "exc_module"\#
                : "builtins"}, "traceback": "Traceback x", "children": [], "date_done": "2026-11-23T03:14:36.341511+\#
                00:00", "group_id": "g-1", "parent_id": "p-1", "task_id": "id-1"}
                """#)),
        WrittenResult(
            serializer: .json, meta: retried,
            bytes: text(
                #"""
                {"status": "RETRY", "result": {"exc_type": "KeyError", "exc_message": ["k"], "exc_module": "builtins\#
                "}, "traceback": "Traceback x", "children": [], "date_done": null, "group_id": "g-1", "parent_id": "\#
                p-1", "task_id": "id-1"}
                """#)),
        WrittenResult(
            serializer: .msgpack, meta: succeeded,
            bytes: hexadecimal(
                """
                88a6737461747573a753554343455353a6726573756c7485a373756d05a474657874a2c3a9a46e6f6e65c0a468616c66\
                cb3fe0000000000000a3626967cf0020000000000000a974726163656261636bc0a86368696c6472656e90a964617465\
                5f646f6e65d920323032362d31312d32335430333a31343a33362e3334313531312b30303a3030a867726f75705f6964\
                a3672d31a9706172656e745f6964a3702d31a77461736b5f6964a469642d31
                """)),
        WrittenResult(
            serializer: .msgpack, meta: failed,
            bytes: hexadecimal(
                """
                88a6737461747573a74641494c555245a6726573756c7483a86578635f74797065aa56616c75654572726f72ab657863\
                5f6d65737361676592a4626f6f6d2aaa6578635f6d6f64756c65a86275696c74696e73a974726163656261636bab5472\
                6163656261636b2078a86368696c6472656e90a9646174655f646f6e65d920323032362d31312d32335430333a31343a\
                33362e3334313531312b30303a3030a867726f75705f6964a3672d31a9706172656e745f6964a3702d31a77461736b5f\
                6964a469642d31
                """)),
        WrittenResult(
            serializer: .msgpack, meta: retried,
            bytes: hexadecimal(
                """
                88a6737461747573a55245545259a6726573756c7483a86578635f74797065a84b65794572726f72ab6578635f6d6573\
                7361676591a16baa6578635f6d6f64756c65a86275696c74696e73a974726163656261636bab54726163656261636b20\
                78a86368696c6472656e90a9646174655f646f6e65c0a867726f75705f6964a3672d31a9706172656e745f6964a3702d\
                31a77461736b5f6964a469642d31
                """)),
        WrittenResult(
            serializer: .yaml, meta: succeeded,
            bytes: text(
                #"""
                children: []
                date_done: '2026-11-23T03:14:36.341511+00:00'
                group_id: g-1
                parent_id: p-1
                result:
                  big: 9007199254740992
                  half: 0.5
                  none: null
                  sum: 5
                  text: "\xE9"
                status: SUCCESS
                task_id: id-1
                traceback: null

                """#)),
        WrittenResult(
            serializer: .yaml, meta: failed,
            bytes: text(
                #"""
                children: []
                date_done: '2026-11-23T03:14:36.341511+00:00'
                group_id: g-1
                parent_id: p-1
                result:
                  exc_message:
                  - boom
                  - 42
                  exc_module: builtins
                  exc_type: ValueError
                status: FAILURE
                task_id: id-1
                traceback: Traceback x

                """#)),
        WrittenResult(
            serializer: .yaml, meta: retried,
            bytes: text(
                #"""
                children: []
                date_done: null
                group_id: g-1
                parent_id: p-1
                result:
                  exc_message:
                  - k
                  exc_module: builtins
                  exc_type: KeyError
                status: RETRY
                task_id: id-1
                traceback: Traceback x

                """#)),
    ]

    private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// Bytes of two digits each.
    static func hexadecimal(_ text: String) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    }
}

extension CeleryResultMeta {
    /// The result with the keys of its value in the order of the alphabet, in which PyYAML writes them.
    var sorted: CeleryResultMeta {
        var meta = self
        if case .object(let object) = result {
            meta.result = .object(WireObject(object.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
        }
        return meta
    }
}
