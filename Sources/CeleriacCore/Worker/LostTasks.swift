/// Cancels the tasks that run although their messages are lost with a connection: the broker delivers them again, perhaps
/// to another worker. Celery's `worker_cancel_long_running_tasks_on_connection_loss`.
struct LostTasks: Sendable {
    let slots: SlotPool
    let ledger: Ledger
    let consumer: any MessageConsumer

    /// Cancels the handlers of those tasks whose messages are acknowledged late and no longer held.
    func cancel() {
        for slot in slots.slots {
            guard let job = slot.currentJob, job.startTime != nil, !job.acknowledgesEarly, !job.hasOutcome,
                !consumer.isHeld(job.receipt)
            else { continue }
            ledger.finish(job, .cancelled)
            slot.cancel(job)
        }
    }
}
