public import CeleriacCore
public import MachineryWire

extension TaskContext {
    /// The signature that is run, as it came; nil in another dialect.
    public var machinerySignature: MachinerySignature? { (request.message as? MachineryTask)?.signature }
}

extension TaskRequest {
    /// The signature that is run, as it came; nil in another dialect.
    public var machinerySignature: MachinerySignature? { (message as? MachineryTask)?.signature }
}
