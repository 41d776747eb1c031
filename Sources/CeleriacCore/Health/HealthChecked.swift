/// A consumer or a result store that can be asked whether its server answers. One that cannot is taken to be well.
package protocol HealthChecked: Sendable {
    /// Asks the server something that changes nothing and that every login may ask, and waits for the answer.
    ///
    /// It may take as long as any other call: who checks health waits no longer than they want to. A call that is given up on
    /// goes on, and no second one begins before it has ended.
    ///
    /// - Throws: why the worker cannot use the server now, without credentials.
    func checkHealth() async throws
}
