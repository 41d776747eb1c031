/// Who is told of results as they arrive.
public protocol ResultSink: Sendable {
    /// States that were stored or that arrived, in their order.
    func receive(_ updates: [(taskID: String, payload: [UInt8])])

    /// The connection on which updates arrive was lost and is back: what is still waited for must be fetched again.
    func updatesMayBeMissing()
}
