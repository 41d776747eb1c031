import CeleriacCore
import CeleriacWire

extension Bridge {
    /// Looks at waiting messages of each route and says what would become of them. It sends nothing, and gives all of them
    /// back.
    ///
    /// - Parameter limit: how many messages of each route.
    /// - Returns: a line for each message.
    /// - Throws: the error of a broker.
    package func rehearse(atMost limit: Int) async throws -> [String] {
        var lines: [String] = []
        var failure: (any Error)?
        do {
            for run in runs { lines += try await Self.rehearse(run, atMost: limit) }
        } catch {
            failure = error
        }
        await close()
        if let failure { throw failure }
        return lines
    }

    private static func rehearse(_ run: RouteRun, atMost limit: Int) async throws -> [String] {
        let consumer = try await run.consumer(
            of: run.route.sourceQueue, at: run.source.broker.workerSide, prefetch: limit)
        // An empty queue ends the look after a moment.
        let timer = run.timers.schedule(after: .seconds(2)) { Task { await consumer.stop() } }
        defer { timer.cancel() }
        let door = BridgeDoor(run.route, from: run.source, to: run.target)
        var lines: [String] = []
        var failure: (any Error)?
        do {
            while lines.count < limit {
                let deliveries = try await consumer.next(atMost: limit - lines.count)
                if deliveries.isEmpty { break }
                for delivery in deliveries { lines.append(line(delivery, door, run)) }
            }
        } catch {
            failure = error
        }
        await consumer.stop()
        try await consumer.close()
        if let failure { throw failure }
        return lines
    }

    private static func line(_ delivery: Delivery, _ door: BridgeDoor, _ run: RouteRun) -> String {
        switch door.passage(of: delivery, in: run.target.client.publicationContext()) {
        case .forward(let forwarding):
            "\(run.route.name): goes on as \(forwarding.targetID) to \(run.route.targetQueue)"
        case .refuse(let fault, let request):
            "\(run.route.name): \(request?.id ?? "a message without an id") is refused: \(fault)"
        case .end(_, let request): "\(run.route.name): \(request.id) is past its time"
        }
    }
}
