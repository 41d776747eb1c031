package import CeleriacCore
import Synchronization

/// What was wrong with the turns of messages that may have killed a process.
package struct TurnFault: Error {
    let text: String

    fileprivate static func check(_ condition: Bool, _ text: String) throws {
        if !condition { throw TurnFault(text: text) }
    }
}

/// Checks that of three messages that have come back the second begins when the first has ended, and that a stop gives
/// back the third, which waits. It stops the consumer.
///
/// - Throws: ``TurnFault``, or the consumer's error.
package func checkTurns(of deliveries: [Delivery], at consumer: any MessageConsumer) async throws {
    try TurnFault.check(deliveries.count == 3 && deliveries.allSatisfy(\.redelivered), "not three that came back")
    let order = Mutex<[String]>([])
    try await consumer.markBegun([deliveries[0].receipt])
    async let second: Void = {
        try await consumer.markBegun([deliveries[1].receipt])
        order.withLock { $0.append("second begins") }
    }()
    // The second has its chance to begin too soon.
    for _ in 0..<100 { await Task.yield() }
    order.withLock { $0.append("first ends") }
    try await consumer.settle([Settlement(deliveries[0].receipt, .acknowledge)])
    try await second
    try TurnFault.check(order.withLock { $0 } == ["first ends", "second begins"], "the second began beside the first")
    async let third: Void = consumer.markBegun([deliveries[2].receipt])
    await consumer.stop()
    try await third
    try TurnFault.check(!consumer.isHeld(deliveries[2].receipt), "the third was not given back")
    try TurnFault.check(consumer.isHeld(deliveries[1].receipt), "the second was given back")
}
