/// The metrics of a process as text, which `GET /metrics` answers beside the health checks.
package protocol MetricsPage: Sendable {
    /// The text's type, as HTTP names it.
    var contentType: String { get }

    /// The metrics as they are now. The thread of the health checks asks, so nothing in it may wait for long.
    func text() -> String
}
