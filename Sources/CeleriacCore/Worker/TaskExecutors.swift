import NIOConcurrencyHelpers
package import NIOCore
import NIOPosix

/// Runs tasks on an event loop.
///
/// The runtime's own loops (claiming, storing, settling) prefer it. They then share a thread with the connection, and
/// handlers that block every thread of the concurrency pool cannot hold them up.
package final class EventLoopTaskExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    package init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Runs handlers that block their thread on threads of its own.
final class BlockingExecutor: TaskExecutor {
    private let state: NIOLockedValueBox<(pool: NIOThreadPool, threads: Int)>

    /// Makes an executor.
    ///
    /// - Parameter threads: the number of threads: one for each handler that may run at once, so that none waits for
    ///   another.
    init(threads: Int) {
        state = NIOLockedValueBox((NIOThreadPool(numberOfThreads: threads), threads))
    }

    func start() { state.withLockedValue { $0.pool }.start() }

    func stop() { state.withLockedValue { $0.pool }.shutdownGracefully { _ in } }

    /// Makes sure that there are at least `threads` threads. Running handlers stay on their threads.
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
        // Run the job even if the pool is shut down: dropping it would leave its task suspended for ever.
        state.withLockedValue { $0.pool }.submit { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
