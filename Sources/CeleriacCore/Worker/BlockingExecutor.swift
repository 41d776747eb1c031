import NIOPosix

/// Runs the tasks of handlers that block their thread, on threads of their own.
final class BlockingExecutor: TaskExecutor {
    private let pool: NIOThreadPool

    /// - Parameter threads: as many as handlers run at once, so that none waits for another.
    init(threads: Int) {
        pool = NIOThreadPool(numberOfThreads: threads)
    }

    func start() { pool.start() }

    func stop() { pool.shutdownGracefully { _ in } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Also when the pool is shut down: a job that is dropped would leave its task suspended for ever.
        pool.submit { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
