package import CeleriacCore

/// What a consumer's `catchUp()` did wrong.
package struct CatchUpFault: Error {
    let text: String

    fileprivate static func check(_ condition: Bool, _ text: String) throws {
        if !condition { throw CatchUpFault(text: text) }
    }
}

/// Checks that a consumer's `catchUp()` ends when its queues are empty, ends only after the worker has asked again
/// where a message was, ends when its task is cancelled, and ends at a stop. It closes the consumer.
///
/// - Throws: ``CatchUpFault``, or the consumer's error.
package func checkCatchUp(of consumer: any MessageConsumer, publish: () async throws -> Void) async throws {
    async let first = consumer.next(atMost: 10)
    await consumer.catchUp()

    try await publish()
    try CatchUpFault.check(try await first.count == 1, "the first message did not come alone")
    // Nobody asks for messages, so that nobody looks.
    let alone = Task { await consumer.catchUp() }
    alone.cancel()
    await alone.value

    try await publish()
    let isWithWorker = Gate()
    async let look: Bool = {
        await consumer.catchUp()
        return isWithWorker.isOpen
    }()
    // The look may be asked for before, while or after this claims.
    try CatchUpFault.check(try await consumer.next(atMost: 10).count == 1, "the second message did not come alone")
    isWithWorker.open()
    async let last = consumer.next(atMost: 10)
    try CatchUpFault.check(await look, "the look ended before the worker had what was there")

    async let another: Void = consumer.catchUp()
    await consumer.stop()
    await another
    try CatchUpFault.check(try await last.isEmpty, "there was a message after the stop")
    await consumer.catchUp()
    try await consumer.close()
}
