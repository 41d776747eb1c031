/// What a worker shares with its handlers, by type.
public struct SharedValues: Sendable {
    private var values: [ObjectIdentifier: any Sendable] = [:]

    /// Nothing shared.
    public init() {}

    /// The value of a type.
    public subscript<Value: Sendable>(type: Value.Type) -> Value? {
        get { values[ObjectIdentifier(type)] as? Value }
        set { values[ObjectIdentifier(type)] = newValue }
    }
}
