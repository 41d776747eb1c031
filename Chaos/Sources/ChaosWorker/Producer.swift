/// Sends units at a rate from several senders, and notes before each what is sent, and afterwards whether the broker
/// confirmed it. What was not confirmed may have been delivered: it is not sent again.
struct Producer {
    private static let senders = 16

    let side: any Side
    let ledger: Ledger
    /// Units a second.
    let rate: Double

    func send(_ units: [Unit]) async throws {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup { group in
            for sender in 0..<Self.senders {
                group.addTask {
                    for index in stride(from: sender, to: units.count, by: Self.senders) {
                        try await Task.sleep(until: start + .seconds(Double(index) / rate), clock: .continuous)
                        await send(units[index])
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func send(_ unit: Unit) async {
        ledger.note("sent", unit.name)
        do {
            try await side.send(unit)
            ledger.note("acked", unit.name)
        } catch {
            ledger.note("refused", unit.name)
        }
    }
}
