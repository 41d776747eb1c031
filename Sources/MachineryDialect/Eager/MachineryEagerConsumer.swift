import CeleriacCore

/// Tells an eager broker when messages have ended.
struct MachineryEagerConsumer: MessageConsumer {
    let base: any MessageConsumer
    let broker: MachineryEagerBroker

    func next(atMost limit: Int) async throws -> [Delivery] { try await base.next(atMost: limit) }

    func settle(_ settlements: [Settlement]) async throws {
        try await base.settle(settlements)
        let ended = settlements.count { settlement in
            if case .requeue = settlement.disposition { false } else { true }
        }
        broker.dealtWith(ended)
    }

    func giveBack(_ receipts: [Receipt]) async throws { try await base.giveBack(receipts) }

    func stop() async { await base.stop() }

    func close() async throws {
        try await base.close()
        broker.consumerEnded()
    }
}
