import CeleriacWire
import CeleryWire
import Foundation
import Testing

/// Canvases that Celeriac applies give the messages that Celery 5.7 published for the same canvases: bodies, matching
/// ids, and the headers that place a task in its workflow.
@Suite("Celery canvases in captures")
struct CeleryCanvasCaptureTests {
    private static func sig(_ name: String, _ args: [WireValue] = [], options: WireObject = [:]) -> CelerySignature {
        CelerySignature(task: "capapp.\(name)", args: args, options: options)
    }

    private static func immutable(_ signature: CelerySignature) -> CelerySignature {
        var signature = signature
        signature.immutable = true
        return signature
    }

    private static func linked(
        _ signature: CelerySignature, link: [CelerySignature] = [], errors: [CelerySignature] = []
    )
        throws -> CelerySignature
    {
        var signature = signature
        for callback in link { try signature.link(callback.encode()) }
        for errback in errors { try signature.linkError(errback.encode()) }
        return signature
    }

    private static let add = sig("add", [2, 3])
    private static let errback = sig("on_err_old")

    /// The canvases, by the names of the captures.
    private static let canvases: [(String, @Sendable () throws -> [CelerySignature])] = [
        ("chain2", { [.chain([add, sig("mul", [4])])] }),
        ("chain4", { [.chain([add, sig("mul", [4]), sig("add", [5]), immutable(sig("echo", ["end"]))])] }),
        ("group3", { [.group([sig("add", [1, 1]), sig("add", [2, 2]), sig("add", [3, 3])])] }),
        ("chord2", { [.chord(.group([sig("add", [1, 1]), sig("add", [2, 2])]), body: sig("xsum"))] }),
        (
            "chord_of_chains",
            {
                [
                    .chord(
                        .group([
                            .chain([sig("add", [1, 1]), sig("mul", [2])]),
                            .chain([sig("add", [2, 2]), sig("mul", [3])]),
                        ]), body: sig("xsum"))
                ]
            }
        ),
        ("chord_then_task", { [.chord(header, body: .chain([sig("xsum"), sig("echo", ["tail"])]))] }),
        (
            "chain_group_task",
            { [.chain([sig("add", [1, 1]), .chord(.group([sig("mul", [2]), sig("mul", [3])]), body: sig("xsum"))])] }
        ),
        (
            "link",
            {
                [
                    try linked(
                        add, link: [sig("mul", [10], options: ["task_id": "22222222-2222-4222-8222-222222222222"])])
                ]
            }
        ),
        ("link_error", { [try linked(add, errors: [errback])] }),
        ("immutable_link", { [try linked(add, link: [immutable(sig("mul", [4, 5]))])] }),
        ("chain_link_error", { [try linked(.chain([add, sig("mul", [4])]), errors: [errback])] }),
        ("chord_link_error", { [.chord(header, body: try linked(sig("xsum"), errors: [errback]))] }),
        ("chunks", { [items("celery.chunks", "chunks", [[0, 0], [1, 1], [2, 2], [3, 3]], 2)] }),
        (
            "map",
            {
                [
                    items("celery.map", "xmap", [1, 2], nil, task: "capapp.echo"),
                    items("celery.starmap", "xstarmap", [[1, 2], [3, 4]], nil),
                ]
            }
        ),
    ]

    private static let header = CelerySignature.group([sig("add", [1, 1]), sig("add", [2, 2])])

    private static func items(
        _ name: String, _ type: String, _ items: [WireValue], _ size: Int64?, task: String = "capapp.add"
    ) -> CelerySignature {
        var kwargs: WireObject = ["task": CelerySignature(task: task).encode(), "it": .array(items)]
        if let size { kwargs["n"] = .int(size) }
        return CelerySignature(task: name, kwargs: kwargs, subtaskType: type)
    }

    @Test("The messages are Celery's", arguments: canvases.map(\.0))
    func messages(_ name: String) throws {
        let made = try #require(Self.canvases.first { $0.0 == name }).1()
        var canvas = CeleryCanvas(
            lineage: CeleryLineage(replyTo: UUID().uuidString.lowercased()), now: Date(), chords: .counted,
            newID: { UUID().uuidString.lowercased() })
        for signature in made { try canvas.apply(signature) }
        let ours = canvas.steps.compactMap { step -> CeleryTaskMessage? in
            guard case .publish(var message, _) = step else { return nil }
            // The sender of a workflow's first task does the same.
            message.rootID = message.rootID ?? message.id
            return message
        }
        let file = try #require(CaptureFile.all.first { $0.name == "p2.redis.\(name).json" })
        var theirs: [CeleryTaskMessage] = []
        for envelope in file.envelopes {
            let message = try CeleryTaskMessage.decode(try KombuEnvelope.decode(envelope).message)
            if !theirs.contains(where: { $0.id == message.id }) { theirs.append(message) }
        }
        let (found, wanted) = try (Self.shape(ours), Self.shape(theirs))
        #expect(found == wanted)
    }

    /// A part of an embed without options that are null, which have no meaning.
    private static func plain(_ value: WireValue?) -> WireValue {
        switch value {
        case nil: .null
        case .array(let values)?: .array(values.map { plain($0) })
        case .object(let object)?:
            .object(
                WireObject(
                    object.map { key, value in
                        guard key == "options", let options = value.objectValue else { return (key, plain(value)) }
                        return (key, plain(.object(options.filter { !$0.value.isNull })))
                    }))
        case let value?: value
        }
    }

    /// The relevant parts of messages, with their ids numbered in order of appearance.
    private static func shape(_ messages: [CeleryTaskMessage]) throws -> String {
        // The captures hold them in the order of delivery or of sending.
        let inOrder = messages.sorted {
            ($0.groupIndex ?? 0, $0.task, "\($0.args)") < ($1.groupIndex ?? 0, $1.task, "\($1.args)")
        }
        let values = inOrder.map { message -> WireValue in
            let embed = message.embed.unordered
            func text(_ text: String?) -> WireValue { text.map { .string($0) } ?? .null }
            return [
                text(message.id), text(message.task), text(message.rootID), text(message.parentID),
                text(message.group), message.groupIndex.map { .int(Int64($0)) } ?? .null,
                text(message.properties.replyTo), .array(message.args), .object(message.kwargs).unordered,
                plain(embed.callbacks), plain(embed.errbacks), plain(embed.chain), plain(embed.chord),
            ]
        }
        var text = String(decoding: try WireJSON.encode(.array(values), style: .python), as: UTF8.self)
        var number = 0
        while let range = text.range(of: #"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}"#, options: .regularExpression) {
            text = text.replacingOccurrences(of: String(text[range]), with: "#\(number)")
            number += 1
        }
        return text.replacingOccurrences(of: "], [\"#", with: "],\n[\"#")
    }
}
