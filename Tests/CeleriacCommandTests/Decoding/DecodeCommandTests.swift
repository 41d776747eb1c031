import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// Tests `celeriac decode` on messages from real Celery. Scripts rely on its output.
@Suite(.timeLimit(.minutes(5))) struct DecodeCommandTests {
    private static let keys = [
        "dialect", "protocol", "id", "task", "args", "kwargs", "eta", "expires", "retries", "timelimit", "group",
        "group_index", "root_id", "parent_id", "ignore_result", "callbacks", "errbacks", "chain", "chord", "headers",
        "properties", "content_type", "compression",
    ]
    private static let id: WireValue = "11111111-1111-4111-8111-111111111111"

    /// The message in the list of a Redis capture.
    private func captured(_ name: String) throws -> [UInt8] {
        let file = URL(filePath: #filePath).appending(path: "../../../../Compat/celery/\(name).json").standardized
        let capture = try WireJSON.decode([UInt8](Data(contentsOf: file)))
        let list = try #require(capture["redis_keys_after"]?.arrayValue?.first { $0["type"] == "list" })
        return Array(try #require(list["value"]?[0]?.stringValue).utf8)
    }

    /// The command's output for a message: one line, one object, all keys in order.
    private func decoded(_ input: [UInt8]) async throws -> WireObject {
        let run = try await CommandRun(["decode"], input: input)
        #expect(run.status == .exited(0), "\(run.errors)")
        #expect(run.errors.isEmpty)
        #expect(run.output.utf8.filter { $0 == UInt8(ascii: "\n") }.count == 1 && run.output.hasSuffix("\n"))
        let object = try #require(WireJSON.decode(Array(run.output.utf8)).objectValue)
        #expect(Array(object.keys) == Self.keys)
        #expect(object["dialect"] == "celery")
        return object
    }

    @Test func protocol2() async throws {
        let task = try await decoded(captured("p2.redis.add"))
        #expect(task["protocol"] == 2 && task["id"] == Self.id && task["task"] == "capapp.add")
        #expect(task["args"] == [2, 3] && task["kwargs"] == [:])
        #expect(task["root_id"] == Self.id && task["parent_id"] == .null && task["group"] == .null)
        #expect(task["retries"] == 0 && task["timelimit"] == [.null, .null] && task["ignore_result"] == false)
        #expect(task["eta"] == .null && task["callbacks"] == .null && task["chord"] == .null)
        #expect(task["headers"]?["argsrepr"] == "(2, 3)")
        #expect(task["properties"]?["delivery_info"] == ["exchange": "", "routing_key": "celery"])
        #expect(task["content_type"] == "application/json" && task["compression"] == .null)
    }

    @Test func theFlagOfOtherVerbsIsTaken() async throws {
        let message = try captured("p2.redis.add")
        let flagged = try await CommandRun(["decode", "--json"], input: message)
        let plain = try await CommandRun(["decode"], input: message)
        #expect(flagged.status == .exited(0) && flagged.output == plain.output)
    }

    @Test func protocol1() async throws {
        let task = try await decoded(captured("c447p1.redis.add"))
        #expect(task["protocol"] == 1 && task["id"] == Self.id && task["task"] == "capapp.add")
        #expect(task["args"] == [2, 3] && task["kwargs"] == [:])
        #expect(task["retries"] == 0 && task["timelimit"] == [.null, .null])
        #expect(task["headers"] == [:] && task["root_id"] == .null)
    }

    @Test func whatIsLinkedStandsVerbatim() async throws {
        let link = try await decoded(captured("p2.redis.link"))
        #expect(link["callbacks"]?[0]?["task"]?.stringValue?.hasPrefix("capapp.") == true)
        let chain = try await decoded(captured("p2.redis.chain4"))
        #expect(chain["chain"]?.arrayValue?.count == 3)
        let chord = try await decoded(captured("p2.redis.chord2"))
        #expect(chord["chord"]?["task"] != nil && chord["group"] != .null && chord["group_index"] == 1)
    }

    @Test func messagePackWithBytes() async throws {
        let task = try await decoded(captured("p2.redis.msgpack"))
        #expect(task["content_type"] == "application/x-msgpack")
        #expect(
            task["args"] == [
                1, "é", ["__type__": "base64", "__value__": "AP8="], .null, 1.5, [1, 2], ["a": 1],
            ])
        #expect(task["kwargs"] == ["k": "v"])
    }

    @Test func yaml() async throws {
        let task = try await decoded(captured("p2.redis.yaml"))
        #expect(task["content_type"] == "application/x-yaml")
        #expect(task["args"] == [1, "é", .null, 1.5, [1, 2], ["a": 1]] && task["kwargs"] == ["k": "v"])
    }

    @Test(arguments: ["p2.redis.compress_zlib", "p2.redis.compress_msgpack_zlib"])
    func zlib(_ name: String) async throws {
        let task = try await decoded(captured(name))
        #expect(task["compression"] == "application/x-gzip")
        #expect(task["args"]?[0]?.stringValue?.allSatisfy { $0 == "x" } == true && task["kwargs"] == ["k": 1])
    }

    @Test func valuesAreExactAndEnvelopesStayAsTheyAre() async throws {
        let body = #"[[1180591620717411303424, 1.0, {"__type__": "uuid", "__value__": {"hex": "00"}}], {}, null]"#
        let task = try await decoded(
            Array(
                """
                {"properties": {"content_type": "application/json", "reply_to": "r"}, "headers": {"task": "t", "id": "i", \
                "x-mine": [1]}, "body_base64": "\(Base64.encode(Array(body.utf8)))"}
                """.utf8))
        #expect(
            task["args"] == [
                .number("1180591620717411303424"), 1.0, ["__type__": "uuid", "__value__": ["hex": "00"]],
            ])
        #expect(task["headers"] == ["task": "t", "id": "i", "x-mine": [1]])
        #expect(task["properties"] == ["content_type": "application/json", "reply_to": "r"])
    }

    @Test func refusalsAreNamed() async throws {
        let refused: [(input: [UInt8], name: String)] = [
            (try captured("p2.redis.pickle"), "pickleRefused"),
            ([], "malformedEnvelope"),
            (Array("garbage".utf8), "malformedEnvelope"),
            ([0xff, 0x00, 0x80], "malformedEnvelope"),
            (Array(#"{"body": 5}"#.utf8), "malformedEnvelope"),
            (Array(#"{"properties": {}, "headers": {}, "body_base64": "!"}"#.utf8), "malformedEnvelope"),
        ]
        for (input, name) in refused {
            let run = try await CommandRun(["decode"], input: input)
            #expect(run.status == .exited(1), "\(name)")
            #expect(run.output.isEmpty, "\(name)")
            #expect(run.errors.hasPrefix(name + ":") || run.errors.hasPrefix(name + " ("), "\(run.errors)")
            #expect(run.errors.utf8.filter { $0 == UInt8(ascii: "\n") }.count == 1, "\(run.errors)")
        }
    }
}
