extension WorkerConfiguration {
    /// How many messages the worker holds at most.
    var window: Int { concurrency.multipliedReportingOverflow(by: prefetchMultiplier).partialValue }

    /// How many handlers may run at once.
    static let concurrencies = 1...65535

    /// Refuses settings that cannot work.
    func validate() throws(CeleriacError) {
        if queues.isEmpty { throw CeleriacError(.configuration, "a worker needs at least one queue") }
        guard Self.concurrencies.contains(concurrency) else {
            throw CeleriacError(.configuration, "concurrency is \(concurrency): it must be 1 to 65535")
        }
        guard (1...65535).contains(prefetchMultiplier) else {
            throw CeleriacError(.configuration, "prefetchMultiplier is \(prefetchMultiplier): it must be 1 to 65535")
        }
    }
}
