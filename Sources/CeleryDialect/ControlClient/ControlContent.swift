import CeleriacWire
package import CeleryWire

/// The forms of bodies that the two ends of remote control send and read.
package struct ControlContent: Sendable {
    /// The forms that are read: `accept_content`.
    let accept: Set<CelerySerializer>
    /// The form in which a client writes requests: `task_serializer`.
    let serializer: CelerySerializer
    /// What signs and verifies bodies; nil if there are no keys.
    let security: (any MessageSecurity)?

    /// By default both are JSON.
    package init(
        accept: Set<CelerySerializer> = [.json], serializer: CelerySerializer = .json,
        security: (any MessageSecurity)? = nil
    ) {
        self.accept = accept
        self.serializer = serializer
        self.security = security
    }

    /// A message that was made in the `contentForm` of a form, in that form: signed if it is `auth`.
    func sealed(_ message: WireMessage, as form: CelerySerializer) throws(CeleryWireError) -> WireMessage {
        guard form == .auth else { return message }
        return try message.signed(by: security)
    }

    /// The message in which a body can be read, and the forms in which it may be: a signed message's are its signer's.
    func opened(
        _ message: WireMessage, limits: WireLimits = .default
    ) throws(CeleryWireError) -> (message: WireMessage, accept: Set<CelerySerializer>) {
        guard message.isSigned else { return (message, accept) }
        return (try message.opened(by: security, accept: accept, limits: limits), SignedBody.contentForms)
    }
}
