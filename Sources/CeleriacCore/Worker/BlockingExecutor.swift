import NIOConcurrencyHelpers
import NIOPosix

/// Runs the tasks of handlers that block their thread, on threads of their own.
final class BlockingExecutor: TaskExecutor {
    private let state: NIOLockedValueBox<(pool: NIOThreadPool, threads: Int)>

    /// - Parameter threads: as many as handlers run at once, so that none waits for another.
    init(threads: Int) {
        state = NIOLockedValueBox((NIOThreadPool(numberOfThreads: threads), threads))
    }

    func start() { state.withLockedValue { $0.pool }.start() }

    func stop() { state.withLockedValue { $0.pool }.shutdownGracefully { _ in } }

    /// Has at least so many threads from now on. What runs goes on where it is.
    func grow(to threads: Int) {
        let old = state.withLockedValue { state in
            guard threads > state.threads else { return nil as NIOThreadPool? }
            defer {
                state = (NIOThreadPool(numberOfThreads: threads), threads)
                state.pool.start()
            }
            return state.pool
        }
        old?.shutdownGracefully { _ in }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Also when the pool is shut down: a job that is dropped would leave its task suspended for ever.
        state.withLockedValue { $0.pool }.submit { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
