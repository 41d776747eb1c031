#if Redis

/// A pipeline on its way to the nodes of a cluster. Its state is confined to the event loop of its client.
final class RedisClusterCall {
    /// The pipeline's parts and the replies so far.
    var batch: RedisClusterBatch
    /// How long the answer of one node may take; `nil` for no limit.
    let timeout: Duration?
    let waiter: RedisWaiter
    /// What has become of the parts that nodes refused.
    var policies: [Int: RedisRedirectPolicy] = [:]
    /// How many answers and pauses the call waits for.
    var outstanding = 0
    private var error: RedisError?
    private var isPartlyAnswered = false

    init(_ commands: [RedisCommand], timeout: Duration?, waiter: RedisWaiter) {
        batch = RedisClusterBatch(commands)
        self.timeout = timeout
        self.waiter = waiter
    }

    /// Takes the replies to a part.
    func take(_ replies: ArraySlice<RedisValue>, for part: Int) {
        isPartlyAnswered = true
        batch.take(replies, for: part)
    }

    /// Notes that some parts got no answer.
    func fail(_ error: RedisError) {
        guard let first = self.error else {
            self.error = error
            return
        }
        if !first.mayHaveArrived, error.mayHaveArrived { self.error = error }
    }

    /// Answers the caller.
    func finish() {
        guard let error else { return waiter.succeed(batch.finished) }
        guard isPartlyAnswered, !error.mayHaveArrived else { return waiter.fail(error) }
        // Whoever hears that nothing was sent may send all of it again.
        waiter.fail(
            RedisError(
                .connectionLost,
                "Some nodes of the cluster have done their part of the commands, and others were not reached.",
                serverError: error.serverError, cause: error))
    }
}
#endif
