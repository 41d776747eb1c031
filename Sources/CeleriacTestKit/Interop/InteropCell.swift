/// A cell of an interop matrix: a producer, a worker, a transport and a case.
public struct InteropCell: Sendable, Hashable, CustomStringConvertible {
    package let producer: InteropPeer
    package let worker: InteropPeer
    package let transport: InteropTransport
    package let testCase: InteropCase
    package let dialect: InteropDialect

    /// Who sends to whom, over what, and what.
    public var description: String { "\(column), \(transport), \(testCase.name)" }

    /// The producer and the worker, as they head a column.
    package var column: String { "\(producer.name) → \(worker.name)" }

    /// Why the cell does not exist; nil if it has to be tried.
    package var notApplicable: String? {
        if let reason = transport.absence(in: dialect) { return reason }
        if let reason = transport.lacks(testCase.shape, in: dialect) { return reason }
        if producer.isOfThisBuild || worker.isOfThisBuild, let reason = transport.absenceHere ?? testCase.absenceHere {
            return reason
        }
        let names = [
            transport.broker.rawValue, transport.store.rawValue, testCase.shape.rawValue, testCase.name,
        ]
        for peer in [producer, worker] {
            for name in names {
                if let reason = peer.lacks[name] { return "\(peer.name): \(reason)" }
            }
        }
        for name in [transport.broker.rawValue, transport.store.rawValue, producer.name, worker.name] {
            if let reason = testCase.exceptions[name] { return reason }
        }
        return nil
    }
}

extension InteropFile {
    /// Every producer × worker × broker × result store × case. Cells of one worker on one transport stand together, since
    /// they share a process and servers; in them those of one producer.
    package var cells: [InteropCell] {
        var cells: [InteropCell] = []
        for broker in brokers {
            for store in stores {
                let transport = InteropTransport(broker: broker, store: store)
                for worker in workers {
                    for producer in producers {
                        cells += cases.map { testCase in
                            InteropCell(
                                producer: producer, worker: worker, transport: transport, testCase: testCase,
                                dialect: dialect)
                        }
                    }
                }
            }
        }
        return cells
    }
}
