import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import Testing

@testable import CeleriacCore

/// Celery's `worker_cancel_long_running_tasks_on_connection_loss`.
@Suite("Tasks of lost messages", .timeLimit(.minutes(5))) struct LostTasksTests {
    @Test("are cancelled if their messages are acknowledged late, and no others", arguments: [false, true])
    func cancels(_ acknowledgesEarly: Bool) async throws {
        let (started, goesOn, wasCancelled) = (Gate(), Gate(), NIOLockedValueBox(false))
        let parts = Parts {
            TaskHandler("work") { _ in
                started.open()
                await withTaskCancellationHandler {
                    await goesOn.wait()
                } onCancel: {
                    wasCancelled.withLockedValue { $0 = true }
                    goesOn.open()
                }
                return .null
            }
        }
        let lost = LostTasks(slots: parts.pool.slots, ledger: parts.ledger, consumer: parts.consumer)
        parts.consumer.onLoss { lost.cancel() }
        parts.pool.jobs.push([try parts.job(acknowledgesEarly: acknowledgesEarly)])
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await parts.pool.slots.run(parts.pool.jobs) { await parts.runner.perform($0, in: $1) }
            }
            await started.wait()
            lost.cancel()
            #expect(!wasCancelled.withLockedValue { $0 })
            parts.consumer.lose()
            if acknowledgesEarly { goesOn.open() }
            await goesOn.wait()
            parts.pool.slots.close()
            _ = parts.pool.jobs.close()
        }
        #expect(wasCancelled.withLockedValue { $0 } != acknowledgesEarly)
        #expect(
            parts.submitted
                == (acknowledgesEarly ? ["1: acknowledge", "1: store SUCCESS"] : ["1: store RETRY, requeue"]))
    }

    @Test("a lost message's redelivery is a task of its own")
    func redelivery() async throws {
        let parts = Parts { TaskHandler("work") { _ in .null } }
        let job = try parts.job()
        parts.held.insert(job)
        parts.consumer.lose()
        parts.ledger.finish(job, .cancelled)
        _ = job.settle(as: .requeue, isHeld: parts.consumer.isHeld)
        #expect(await parts.held.takeOver(job.message, by: parts.consumer.deliver()) == nil)
    }
}
