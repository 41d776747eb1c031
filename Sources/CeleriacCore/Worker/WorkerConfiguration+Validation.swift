extension WorkerConfiguration {
    /// How many messages the worker holds at most.
    var window: Int { concurrency.multipliedReportingOverflow(by: prefetchMultiplier).partialValue }

    /// Refuses settings that cannot work.
    func validate() throws(CeleriacError) {
        if queues.isEmpty { throw CeleriacError(.configuration, "a worker needs at least one queue") }
        guard (1...65535).contains(concurrency) else {
            throw CeleriacError(.configuration, "concurrency is \(concurrency): it must be 1 to 65535")
        }
        guard (1...65535).contains(prefetchMultiplier) else {
            throw CeleriacError(.configuration, "prefetchMultiplier is \(prefetchMultiplier): it must be 1 to 65535")
        }
    }
}
