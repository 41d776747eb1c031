#if Redis

/// Whether a program can use a cluster with its settings.
package enum RedisClusterRule: Sendable, Hashable {
    /// A cluster will do as well as a single server.
    case allowed
    /// A cluster will not do. The text says what to set for one.
    case refused(String)
    /// Only a cluster will do. The text says what to set for a single server.
    case required(String)
}

extension RedisConfiguration {
    /// Whether the settings say that there is a cluster.
    package var declaresCluster: Bool {
        if case .required = clusterRule { true } else { false }
    }

    /// Whether a connection has found that the server is one of a cluster's.
    package var isOfCluster: Bool { topology.isKnown }

    /// The configuration of one node of the cluster, for which no other can stand in.
    func node(_ address: RedisAddress) -> RedisConfiguration {
        var node = at(address)
        node.isNode = true
        node.sentinels = nil
        return node
    }

    /// The configuration with the host and port of a node whose turn it is, where any will do.
    var inTurn: RedisConfiguration {
        guard !isNode, sentinels == nil, unixSocketPath == nil, !seeds.isEmpty || topology.isKnown else { return self }
        return topology.nodesInTurn(besides: [address] + seeds).first.map(at) ?? self
    }

    private func at(_ address: RedisAddress) -> RedisConfiguration {
        var other = self
        if address != self.address { other.unixSocketPath = nil }
        other.host = address.host
        other.port = address.port
        other.seeds = []
        return other
    }

    /// Has the next connection lead elsewhere, because this one led nowhere.
    func tryAnotherNext() {
        sentinels?.askAnotherFirst()
        if !isNode { topology.passTurn() }
    }

    /// Checks what the server says it is.
    ///
    /// - Throws: `unsuitableServer`.
    func check(isCluster: Bool) throws(RedisError) {
        switch (clusterRule, isCluster) {
        case (.refused(let remedy), true):
            throw RedisError(.unsuitableServer, "\(place) is a Redis Cluster: \(remedy).")
        case (.required(let remedy), false):
            throw RedisError(.unsuitableServer, "\(place) is no Redis Cluster: \(remedy).")
        case (_, true) where database != 0:
            throw RedisError(
                .unsuitableServer,
                "\(place) is a Redis Cluster, which has no database but 0: leave out the number \(database).")
        default:
            break
        }
    }
}
#endif
