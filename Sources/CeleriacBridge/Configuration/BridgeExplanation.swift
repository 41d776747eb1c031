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
        let passage = door.passage(of: delivery, in: ends.target.client.publicationContext())
        refusal = passage.refusal
        object = passage.telling(way.route, to: target.kind)
    }

    private static func delivery(of input: [UInt8], _ kind: BridgeDialect, queue: String) -> Delivery {
        let receipt = Receipt(generation: 0, tag: 0)
        if kind == .celery { return KombuEnvelope.delivery(of: input, from: queue, receipt: receipt) }
        return Delivery(content: .success(WireMessage(body: input)), queue: queue, receipt: receipt)
    }
}
