public import CeleriacCore
public import CeleriacWire
public import CeleryWire

extension Signature where Result == WireValue {
    /// A signature in Celery's own form, with every option that Celery knows: what comes in arguments of tasks, or what is
    /// to be stamped.
    public init(_ signature: CelerySignature) {
        self.init(native: signature, name: signature.task)
    }
}
