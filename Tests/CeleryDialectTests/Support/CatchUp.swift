import CeleriacCore
import Testing

/// Checks that a consumer's ``MessageConsumer/catchUp()`` ends when its queues are empty, ends only after the worker
/// has asked again where a message was, and ends at a stop. It closes the consumer.
func checkCatchUp(of consumer: any MessageConsumer, publish: () async throws -> Void) async throws {
    async let first = consumer.next(atMost: 10)
    await consumer.catchUp()

    try await publish()
    #expect(try await first.count == 1)
    try await publish()
    let isWithWorker = Gate()
    async let look: Bool = {
        await consumer.catchUp()
        return isWithWorker.isOpen
    }()
    // The look may be asked for before, while or after this claims.
    #expect(try await consumer.next(atMost: 10).count == 1)
    isWithWorker.open()
    async let last = consumer.next(atMost: 10)
    #expect(await look)

    async let another: Void = consumer.catchUp()
    await consumer.stop()
    await another
    #expect(try await last.isEmpty)
    await consumer.catchUp()
    try await consumer.close()
}
