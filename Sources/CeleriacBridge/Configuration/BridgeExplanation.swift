package import CeleriacCore
package import CeleriacWire
import CeleryDialect
import CeleryWire
import Logging

/// What a route would do with a message, for a person: nothing is sent.
package struct BridgeExplanation: Sendable {
    /// The decision.
    package let object: WireObject
    /// Why the message would be refused; nil if it would pass.
    package let refusal: MessageFault?

    /// Explains a message.
    ///
    /// - Parameters:
    ///   - input: the message as it lies in the source's queue: an envelope of kombu's, or a signature of Machinery's.
    ///   - name: the route's name; nil for the only route.
    ///   - file: the bridge's file.
    /// - Throws: ``CeleriacError`` with code `configuration` for a route that the file does not have.
    package init(of input: [UInt8], route name: String?, in file: BridgeFile) throws {
        let found = file.ways.filter { name == nil || $0.route.name == name }
        guard let way = found.first, found.count == 1, let source = file.ends[way.from], let target = file.ends[way.to]
        else { throw CeleriacError(.configuration, "name one of the routes: \(file.ways.map(\.route.name))") }
        let logger = Logger(label: "celeriac.bridge") { _ in SwiftLogNoOpLogHandler() }
        let ends = (source: try source.end(logger: logger), target: try target.end(logger: logger))
        let door = BridgeDoor(way.route, from: ends.source, to: ends.target)
        let delivery = Self.delivery(of: input, source.kind, queue: way.route.sourceQueue)
        switch door.passage(of: delivery, in: ends.target.client.publicationContext()) {
        case .forward(let forwarding):
            refusal = nil
            object = [
                "route": .string(way.route.name), "task": .string(forwarding.targetID),
                "queue": .string(way.route.targetQueue),
                "messages": .array(forwarding.messages.map { Self.shown($0, target.kind) }),
            ]
        case .refuse(let fault, let request):
            refusal = fault
            object = [
                "route": .string(way.route.name), "task": request.map { .string($0.id) } ?? .null,
                "refused": .string(fault.reason), "detail": .string(fault.detail),
            ]
        case .end(_, let request):
            refusal = nil
            object = [
                "route": .string(way.route.name), "task": .string(request.id), "ended": "the time to run it has passed",
            ]
        }
    }

    private static func delivery(of input: [UInt8], _ kind: BridgeDialect, queue: String) -> Delivery {
        let receipt = Receipt(generation: 0, tag: 0)
        if kind == .celery { return KombuEnvelope.delivery(of: input, from: queue, receipt: receipt) }
        return Delivery(content: .success(WireMessage(body: input)), queue: queue, receipt: receipt)
    }

    /// A message as it would be at the target: headers, and the body where it is JSON.
    private static func shown(_ outgoing: OutgoingMessage, _ kind: BridgeDialect) -> WireValue {
        let body = (try? WireJSON.decode(outgoing.message.body)) ?? .string("(\(outgoing.message.body.count) bytes)")
        return kind == .machinery ? body : ["headers": .object(outgoing.message.headers), "body": body]
    }
}
