/// A broker or a result store whose close waits for a server to agree, and need not.
package protocol DoubtedServer: Sendable {
    /// Has the close wait for nothing from now on: somebody has found that the server does not answer, or waits no longer.
    func doubt()
}
