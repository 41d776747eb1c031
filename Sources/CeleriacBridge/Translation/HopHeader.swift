import CeleriacCore
import CeleriacWire

/// The header that says through which routes a message has come, so that no message goes round for ever.
enum HopHeader {
    /// Its name. Its value is text, since Go passes on no other.
    static let name = "celeriac-bridge"
    /// How many routes a message may come through.
    static let most = 8

    /// The header's value behind one more route.
    ///
    /// - Throws: ``MessageFault`` with the reason `loop` for a message that was here before, `tooManyHops` for one that has
    ///   come through too many routes.
    static func next(after headers: WireObject, through route: BridgeRoute) throws(MessageFault) -> WireValue {
        let hops = (headers[name]?.stringValue ?? "").split(separator: ",").map(String.init)
        if hops.contains(route.hop) {
            throw MessageFault(
                reason: "loop",
                detail: "the message has come through the route \(route.name) before: a route leads back to its source")
        }
        guard hops.count < most else {
            throw MessageFault(reason: "tooManyHops", detail: "the message has come through \(hops.count) routes")
        }
        return .string((hops + [route.hop]).joined(separator: ","))
    }
}
