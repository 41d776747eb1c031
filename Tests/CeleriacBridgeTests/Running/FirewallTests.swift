import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import Foundation
import MachineryWire
import TestSupport
import Testing

/// A route of one dialect lets through what a worker can run, and nothing else.
@Suite(.timeLimit(.minutes(2))) struct FirewallTests {
    private static func message(_ change: (inout WireMessage) -> Void = { _ in }) throws -> WireMessage {
        var message = try CeleryTaskMessage(task: "add", id: "1", args: [1, 2]).encode()
        change(&message)
        return message
    }

    /// What stops or stalls a Python worker, as far as a message in memory can have it.
    private static let malformed: [(reason: String, message: @Sendable () throws -> WireMessage)] = [
        ("invalidTask", { try Self.message { $0.headers["timelimit"] = [5] } }),
        ("undecodableBody", { try Self.message { $0.body = Array("no JSON".utf8) } }),
        ("invalidTask", { try Self.message { $0.body = Array("[[1], {}]".utf8) } }),
        ("invalidTask", { try Self.message { $0.headers["id"] = nil } }),
        ("invalidTask", { try Self.message { $0.headers["id"] = 5 } }),
        ("invalidTask", { try Self.message { $0.body = Array(#"[[], {}, {"chain": [1]}]"#.utf8) } }),
        ("invalidTask", { try Self.message { $0.body = Array(#"[[], {}, {"callbacks": {}}]"#.utf8) } }),
        ("undecodableBody", { try Self.message { $0.body = [0xff, 0xfe] } }),
        ("disallowedContentType", { try Self.message { $0.properties.contentType = "application/x-msgpack" } }),
        ("unknownTask", { try CeleryTaskMessage(task: "other", id: "1").encode() }),
        ("oversized", { try Self.message { $0.body += Array(repeating: UInt8(ascii: " "), count: 5000) } }),
    ]

    /// The bytes on which a Python worker at Redis exits or stalls, or which it loses.
    @Test(arguments: HostileMessage.all.indices) func hostileBytesDoNotPass(_ index: Int) throws {
        let hostile = HostileMessage.all[index]
        let explanation = try BridgeExplanation(of: hostile.bytes, route: nil, in: Self.file())
        #expect(explanation.refusal?.reason == hostile.reason, "\(hostile.name)")
        if let field = hostile.field { #expect(explanation.refusal?.detail.contains(field) == true) }
    }

    private static func file(_ outside: String = "") throws -> BridgeFile {
        let yaml = """
            ends:
              outside: {dialect: celery, broker: "memory://", queue: outside\(outside)}
              inside: {dialect: celery, broker: "memory://"}
            routes: [{name: wall, from: outside, to: inside}]
            """
        return try BridgeFile(yaml: Array(yaml.utf8))
    }

    #if Signing
    @Test func unsignedMessageDoesNotPassWhereSignedOnesAreAskedFor() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "CeleryDialectTests/Fixtures/signing").path
        let keys = """
            , security_key: \(folder)/FOR-TESTS-ONLY-alice.key, security_certificate: \(folder)/store/alice.pem, \
            security_cert_store: "\(folder)/store/*.pem"
            """
        let message = try Self.message()
        let envelope = try KombuEnvelope(message: message, exchange: "", routingKey: "outside", deliveryTag: "d")
            .encode()
        let explanation = try BridgeExplanation(of: envelope, route: nil, in: Self.file(keys))
        #expect(explanation.refusal?.reason == "disallowedContentType")
        let plain = try BridgeExplanation(of: envelope, route: nil, in: Self.file())
        #expect(plain.refusal == nil)
    }
    #endif

    @Test func malformedMessagesAreQuarantined() async throws {
        let (inside, outside, notes) = (MemoryBroker(), MemoryBroker(), MemoryBroker())
        let results = MemoryResultStore()
        let front = CeleryApp(broker: outside, results: results, logger: BridgeBench.logger)
        let back = CeleryApp(broker: inside, results: results, logger: BridgeBench.logger)
        var route = BridgeRoute(name: "wall", sourceQueue: "celery", targetQueue: "celery")
        route.tasks = TaskTable([TaskRule("add")], passesOthers: false)
        route.maximumBytes = 4096
        let bridge = Bridge(
            [
                (
                    route, BridgeEnd(.celery, client: front.client, notes: notes, defaultQueue: "celery"),
                    BridgeEnd(.celery, client: back.client, notes: notes, defaultQueue: "celery")
                )
            ], closesEnds: false, logger: BridgeBench.logger)
        for (_, make) in Self.malformed {
            try await outside.publish([OutgoingMessage(message: try make(), routingKey: "celery")])
        }
        let good = try Self.message()
        try await outside.publish([OutgoingMessage(message: good, routingKey: "celery")])
        try await withBridge(bridge) {
            await until {
                inside.count(in: "celery") == 1 && outside.parked(from: "celery").count == Self.malformed.count
            }
        }
        #expect(outside.parked(from: "celery").map(\.fault.reason) == Self.malformed.map(\.reason))
        let consumer = try await inside.consume(ConsumerOptions(queues: ["celery"], prefetch: 1, nodeName: "test"))
        let passed = try #require(try await consumer.next(atMost: 1).first?.content.get())
        #expect(passed.body == good.body)
        #expect(passed.headers["celeriac-bridge"] == "celeriac:wall")
        try await consumer.close()
    }

    /// Before Go's workers: what would make one panic, or change on the way, stays outside.
    @Test func malformedSignaturesAreQuarantined() async throws {
        let (front, back) = (try BridgeBench(), try BridgeBench())
        var route = BridgeRoute(name: "wall", sourceQueue: "machinery_tasks", targetQueue: "machinery_tasks")
        route.tasks = TaskTable([TaskRule("add")], passesOthers: false)
        let bridge = Bridge(
            [(route, front.machineryEnd, back.machineryEnd)], closesEnds: false, logger: BridgeBench.logger)
        let int = MachineryArgument(type: "int64", value: 1)
        var grouped = MachinerySignature(uuid: "task_good", name: "add", args: [int, int])
        grouped.groupUUID = "group_1"
        grouped.groupTaskCount = 2
        let signatures = [
            MachinerySignature(uuid: "task_1", name: "add", args: [MachineryArgument(type: "int8", value: 300)]),
            MachinerySignature(uuid: "task_2", name: "other", args: [int]), grouped,
        ]
        for signature in signatures {
            try await front.machineryBroker.publish([
                OutgoingMessage(message: WireMessage(body: try signature.encode()), routingKey: "machinery_tasks")
            ])
        }
        for body in ["", "no JSON", "[]", #"{"UUID": 5}"#] {
            try await front.machineryBroker.publish([
                OutgoingMessage(message: WireMessage(body: Array(body.utf8)), routingKey: "machinery_tasks")
            ])
        }
        try await withBridge(bridge) {
            await until {
                back.machineryBroker.count(in: "machinery_tasks") == 1
                    && front.machineryBroker.parked(from: "machinery_tasks").count == 6
            }
        }
        let reasons = front.machineryBroker.parked(from: "machinery_tasks").map(\.fault.reason)
        #expect(reasons.prefix(2) == ["valueOutOfRange", "unknownTask"])
        let consumer = try await back.machineryBroker.consume(
            ConsumerOptions(queues: ["machinery_tasks"], prefetch: 1, nodeName: "test"))
        let passed = try #require(try await consumer.next(atMost: 1).first?.content.get())
        let signature = try MachinerySignature.decode(passed.body)
        #expect(signature.uuid == "task_good")
        #expect(signature.groupUUID == "group_1")
        #expect(signature.headers?["celeriac-bridge"] == "celeriac:wall")
        try await consumer.close()
    }
}
