import CeleriacCore
import CeleriacWire

extension Bridge {
    /// Looks at waiting messages of each route and says what would become of them. It sends nothing, and gives all of them
    /// back.
    ///
    /// - Parameter limit: how many messages of each route.
    /// - Returns: a line of JSON for each message.
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
        let result: Result<[String], any Error>
        do {
            result = .success(try await look(at: consumer, run, atMost: limit))
        } catch {
            result = .failure(error)
        }
        await consumer.stop()
        try await consumer.close()
        return try result.get()
    }

    private static func look(
        at consumer: any MessageConsumer, _ run: RouteRun, atMost limit: Int
    ) async throws -> [String] {
        let door = BridgeDoor(run.route, from: run.source, to: run.target)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            // An empty queue ends the look after a moment.
            group.addTask {
                try await run.timers.sleep(for: .seconds(2))
                await consumer.stop()
            }
            defer { group.cancelAll() }
            var lines: [String] = []
            while lines.count < limit {
                let deliveries = try await consumer.next(atMost: limit - lines.count)
                if deliveries.isEmpty { break }
                for delivery in deliveries {
                    let passage = door.passage(of: delivery, in: run.target.client.publicationContext())
                    let told = WireValue.object(passage.telling(run.route, to: run.target.kind))
                    let line = (try? WireJSON.encode(told, style: .readable, nonFinite: .allow)) ?? []
                    lines.append(String(decoding: line, as: UTF8.self))
                }
            }
            return lines
        }
    }
}
