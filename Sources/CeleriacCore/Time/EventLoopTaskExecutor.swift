package import NIOCore

/// Runs tasks on an event loop.
///
/// The worker's own machinery (claiming, storing, settling) prefers it: it then shares a thread with the connection's
/// actor, and handlers that block every thread of the concurrency pool cannot hold it up.
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
