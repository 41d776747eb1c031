package import CeleriacCore
import CeleriacQueues
import CeleryWire

package import struct FoundationEssentials.Date

extension CeleryFilesystemBroker: CensusBroker {
    /// Counts files: those of queues, those that Swift workers have claimed, and the records of parked messages. What
    /// Python workers hold is in their memory alone.
    package func census(of queues: [String], now: Date) async throws -> BrokerCensus {
        let folder = options.dataFolderIn
        return try await FileStore.blocking {
            let waiting = try Self.names(in: folder)
            let claims = "\(folder)/.celeriac"
            let claimed = try Self.names(in: claims).flatMap { try Self.names(in: "\(claims)/\($0)") }
            var census = BrokerCensus(queues: [])
            for name in queues {
                var queue = QueueCensus(name)
                let files = waiting.filter { Self.isMessage($0, ofQueue: name) }
                queue.waiting = files.count
                queue.held = claimed.count { Self.isMessage($0, ofQueue: name) }
                queue.oldestAge = files.compactMap { FileStore.age(of: "\(folder)/\($0)") }.max()
                queue.parked = try Self.names(in: "\(folder)/\(name).parked").count { $0.hasSuffix(".json") }
                census.queues.append(queue)
            }
            census.gaps.append("messages that Python workers hold are in their memory alone")
            return census
        }
    }

    /// Reads the tables of exchanges. Those of remote control and events are left out: they are no queues of tasks.
    package func bindings() async throws -> [BrokerBinding] {
        let controlFolder = try controlFolder("bindings need")
        return try await FileStore.blocking {
            var bindings: [BrokerBinding] = []
            for file in try Self.names(in: controlFolder) where file.hasSuffix(".exchange") {
                let exchange = String(file.dropLast(".exchange".count))
                if exchange.hasSuffix(".pidbox") || exchange == CeleryEvent.exchange { continue }
                for binding in try ExchangeTable(exchange, controlFolder: controlFolder).bindings() {
                    bindings.append(
                        BrokerBinding(queue: binding.queue, exchange: exchange, routingKey: binding.routingKey))
                }
            }
            return bindings.sorted { ($0.exchange, $0.queue, $0.routingKey) < ($1.exchange, $1.queue, $1.routingKey) }
        }
    }

    /// The folder with the tables of exchanges.
    ///
    /// - Parameter needs: what needs it, and that verb.
    /// - Returns: the folder's path.
    /// - Throws: ``CeleriacError`` with code `unsupported` and ``MissingSetting`` as its cause if none is set.
    func controlFolder(_ needs: String) throws(CeleriacError) -> String {
        guard let folder = options.controlFolder else {
            throw CeleriacError(
                .unsupported, "\(needs) control_folder in broker_transport_options",
                cause: MissingSetting(name: "control_folder"))
        }
        return folder
    }

    /// The names in a folder; none if it does not exist or is no folder.
    private static func names(in folder: String) throws -> [String] {
        guard FileStore.exists(folder) else { return [] }
        return (try? FileStore.names(in: folder)) ?? []
    }
}
