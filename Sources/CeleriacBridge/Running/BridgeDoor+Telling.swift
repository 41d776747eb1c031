import CeleriacCore
import CeleriacWire

extension BridgeDoor.Passage {
    /// Why the message is refused; nil if it is not.
    var refusal: MessageFault? {
        guard case .refuse(let fault, _) = self else { return nil }
        return fault
    }

    /// What becomes of the message, for a person.
    ///
    /// - Parameters:
    ///   - route: the route.
    ///   - target: the task system that it leads to.
    /// - Returns: the decision; of a message that goes on, what it would be at the target.
    func telling(_ route: BridgeRoute, to target: BridgeDialect) -> WireObject {
        switch self {
        case .forward(let forwarding):
            [
                "route": .string(route.name), "task": .string(forwarding.targetID),
                "queue": .string(route.targetQueue),
                "messages": .array(forwarding.messages.map { Self.shown($0, target) }),
            ]
        case .refuse(let fault, let request):
            [
                "route": .string(route.name), "task": request.map { .string($0.id) } ?? .null,
                "refused": .string(fault.reason), "detail": .string(fault.detail),
            ]
        case .end(_, let request):
            [
                "route": .string(route.name), "task": .string(request.id), "ended": "the time to run it has passed",
            ]
        }
    }

    /// A message as it would be at the target: headers, and the body where it is JSON.
    private static func shown(_ outgoing: OutgoingMessage, _ kind: BridgeDialect) -> WireValue {
        let body = (try? WireJSON.decode(outgoing.message.body)) ?? .string("(\(outgoing.message.body.count) bytes)")
        return kind == .machinery ? body : ["headers": .object(outgoing.message.headers), "body": body]
    }
}
