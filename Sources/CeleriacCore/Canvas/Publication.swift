/// What is to be done to send something, and the result to come.
public struct Publication: Sendable {
    /// The steps, in order.
    public var effects: [Effect]
    /// The result to come; nil where nothing is sent.
    public var result: ResultReference?

    /// Makes a publication.
    public init(effects: [Effect], result: ResultReference?) {
        self.effects = effects
        self.result = result
    }
}
