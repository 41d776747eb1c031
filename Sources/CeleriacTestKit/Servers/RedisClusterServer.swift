/// A private Redis Cluster of three masters on free loopback ports, with a replica for each if wanted. A master that is gone
/// for a second and a half is replaced by its replica.
///
/// It ends with ``stop()``, when the object is released, or when this process ends, even in a crash. It needs Redis 7.
package final class RedisClusterServer: Sendable {
    /// A node as the nodes know it.
    package struct Node: Sendable {
        /// The node's name in the cluster.
        package let id: String
        /// The TCP port on 127.0.0.1.
        package let port: Int
        /// Whether the node serves slots, or would.
        package let isMaster: Bool
        /// The slots that the node serves.
        package let slots: [ClosedRange<Int>]
    }

    /// How many slots there are.
    private static let slotCount = 16_384
    /// How long the nodes may take to agree on something.
    private static let patience = Duration.seconds(60)

    /// The masters as they began, each with a third of the slots, in order.
    package let masters: [RedisServer]
    /// The replica of each master; empty for a cluster without.
    package let replicas: [RedisServer]

    /// All nodes as they began.
    package var servers: [RedisServer] { masters + replicas }

    /// Starts the servers, and waits until all of them say that the cluster is up.
    ///
    /// - Parameters:
    ///   - hasReplicas: Whether each master has a replica.
    ///   - configuration: Additional lines for each `redis.conf`.
    /// - Returns: The running cluster.
    /// - Throws: As ``RedisServer/start(_:)``, and `startFailed` if the nodes do not agree in time.
    package static func start(
        hasReplicas: Bool = false, configuration: [String] = []
    ) async throws -> RedisClusterServer {
        var servers: [RedisServer] = []
        // The bus has a port of its own beside each server's.
        var busPorts: [Int] = []
        for _ in 0..<(hasReplicas ? 6 : 3) {
            let busPort = try FreePort.take()
            busPorts.append(busPort)
            servers.append(
                try await RedisServer.start(
                    .init(
                        persistent: false,
                        configuration: [
                            "cluster-enabled yes", "cluster-port \(busPort)", "cluster-node-timeout 1500",
                            "cluster-replica-validity-factor 0", "cluster-allow-replica-migration no",
                            "repl-diskless-sync-delay 0",
                        ] + configuration)))
        }
        let cluster = RedisClusterServer(masters: Array(servers[..<3]), replicas: Array(servers[3...]))
        do {
            try await cluster.join(busPorts)
        } catch {
            await cluster.stop()
            throw error
        }
        return cluster
    }

    private init(masters: [RedisServer], replicas: [RedisServer]) {
        self.masters = masters
        self.replicas = replicas
    }

    private func join(_ busPorts: [Int]) async throws {
        for (index, master) in masters.enumerated() {
            let share = Self.slotCount / masters.count
            let last = index == masters.count - 1 ? Self.slotCount - 1 : (index + 1) * share - 1
            try await Self.order(master.port, "CLUSTER", "ADDSLOTSRANGE", "\(index * share)", "\(last)")
            try await Self.order(master.port, "CLUSTER", "SET-CONFIG-EPOCH", "\(index + 1)")
        }
        for (server, busPort) in zip(servers, busPorts).dropFirst() {
            try await Self.order(
                masters[0].port, "CLUSTER", "MEET", "127.0.0.1", "\(server.port)", "\(busPort)")
        }
        let everybody = "cluster_known_nodes:\(servers.count)"
        for server in servers {
            try await Self.wait("the nodes to know each other") {
                try await Self.ask(server.port, "CLUSTER", "INFO").contains(everybody)
            }
        }
        for (master, replica) in zip(masters, replicas) {
            let name = try await id(of: master)
            // A node is known before its name is.
            try await Self.wait("the replicas to find their masters") {
                try await Self.ask(replica.port, "CLUSTER", "REPLICATE", name).first == "+OK"
            }
        }
        for replica in replicas {
            try await Self.wait("the replicas to follow their masters") {
                try await Self.ask(replica.port, "INFO", "replication").contains("master_link_status:up")
            }
        }
        try await untilUp()
    }

    /// Waits until all running nodes say that each slot is served.
    package func untilUp() async throws {
        for server in servers where server.pid != nil {
            try await Self.wait("the cluster to be up") {
                try await Self.ask(server.port, "CLUSTER", "INFO").contains("cluster_state:ok")
            }
        }
    }

    /// All nodes, as a running one knows them.
    package func nodes() async throws -> [Node] {
        guard let server = servers.first(where: { $0.pid != nil }) else {
            throw TestKitError(.commandFailed, "no node of the cluster runs")
        }
        let lines = try await Self.ask(server.port, "CLUSTER", "NODES").flatMap { $0.split(separator: "\n") }
        return lines.compactMap { line in
            let fields = line.split(separator: " ")
            // id, host:port@bus, flags, master, two times, epoch, link, slots
            guard fields.count > 7,
                let port = fields[1].prefix(while: { $0 != "@" }).split(separator: ":").last.flatMap({ Int($0) })
            else { return nil }
            return Node(
                id: String(fields[0]), port: port, isMaster: fields[2].split(separator: ",").contains("master"),
                slots: fields.dropFirst(8).compactMap(Self.range))
        }
    }

    /// Reads `7` or `0-5460`; nil for a slot that moves.
    private static func range(_ text: Substring) -> ClosedRange<Int>? {
        let bounds = text.split(separator: "-").map { Int($0) }
        guard let first = bounds.first ?? nil, let last = bounds.last ?? nil, first <= last else { return nil }
        return first...last
    }

    /// The server that serves a slot.
    package func owner(of slot: Int) async throws -> RedisServer {
        let node = try await nodes().first { $0.slots.contains { $0.contains(slot) } }
        guard let server = servers.first(where: { $0.port == node?.port }) else {
            throw TestKitError(.commandFailed, "no node serves the slot \(slot)")
        }
        return server
    }

    /// The master that serves a slot, and its replica.
    package func pair(serving slot: Int) async throws -> (master: RedisServer, replica: RedisServer) {
        let master = try await owner(of: slot)
        guard let index = masters.firstIndex(where: { $0.port == master.port }), replicas.indices.contains(index) else {
            throw TestKitError(.commandFailed, "the node that serves the slot \(slot) has no replica any more")
        }
        return (master, replicas[index])
    }

    /// Has a replica take its master's place, which goes on as its replica, and waits until all nodes agree.
    ///
    /// - Parameter replica: The replica.
    /// - Throws: `commandFailed`, and `startFailed` if the nodes do not agree in time.
    package func promote(_ replica: RedisServer) async throws {
        try await Self.order(replica.port, "CLUSTER", "FAILOVER")
        let name = try await id(of: replica)
        for server in servers where server.pid != nil {
            try await Self.wait("the replica to be a master") {
                let lines = try await Self.ask(server.port, "CLUSTER", "NODES").flatMap { $0.split(separator: "\n") }
                return lines.contains { $0.hasPrefix(name) && $0.contains("master") }
            }
        }
        try await untilUp()
    }

    /// Moves a slot with its keys to another master, as `redis-cli --cluster reshard` does.
    ///
    /// - Parameters:
    ///   - slot: The slot.
    ///   - target: The master to serve it; nil for the one after the present one.
    ///   - whileItMoves: Runs once both masters know that the slot moves, and before its keys do.
    /// - Throws: `commandFailed`, and what `whileItMoves` throws.
    package func move(
        _ slot: Int, to target: RedisServer? = nil, whileItMoves: () async throws -> Void = {}
    ) async throws {
        let source = try await owner(of: slot)
        let place = masters.firstIndex { $0.port == source.port } ?? 0
        let target = target ?? masters[(place + 1) % masters.count]
        guard source.port != target.port else { return }
        let (from, to) = (try await id(of: source), try await id(of: target))
        try await Self.order(target.port, "CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", from)
        try await Self.order(source.port, "CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", to)
        try await whileItMoves()
        while true {
            let answer = try await Self.ask(source.port, "CLUSTER", "GETKEYSINSLOT", "\(slot)", "10")
            // An array of texts, each behind its length.
            let keys = stride(from: 2, to: answer.count, by: 2).map { answer[$0] }
            if keys.isEmpty { break }
            for key in keys {
                _ = try await Self.ask(source.port, "MIGRATE", "127.0.0.1", "\(target.port)", key, "0", "5000")
            }
        }
        let others = masters.filter { $0.port != source.port && $0.port != target.port && $0.pid != nil }
        for server in [target, source] + others {
            try await Self.order(server.port, "CLUSTER", "SETSLOT", "\(slot)", "NODE", to)
        }
    }

    /// Ends all servers that still run.
    package func stop() async {
        for server in servers { await server.stop() }
    }

    // MARK: Asking

    private func id(of server: RedisServer) async throws -> String {
        guard let id = try await Self.ask(server.port, "CLUSTER", "MYID").dropFirst().first else {
            throw TestKitError(.commandFailed, "the node at \(server.port) has no name")
        }
        return id
    }

    private static func wait(_ what: String, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + patience
        while try await !isSo() {
            if ContinuousClock.now > deadline { throw TestKitError(.startFailed, "waited in vain for \(what)") }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Has a node do something.
    private static func order(_ port: Int, _ words: String...) async throws {
        let answer = try await ask(port, words)
        guard answer.first == "+OK" else {
            throw TestKitError(.commandFailed, "\(words.joined(separator: " ")): \(answer.first ?? "no answer")")
        }
    }

    private static func ask(_ port: Int, _ words: String...) async throws -> [String] { try await ask(port, words) }

    /// Sends a command, and returns the lines of the answer in its wire form.
    private static func ask(_ port: Int, _ words: [String]) async throws -> [String] {
        let end = "+PONG\r\n"
        let request = RedisServer.command(words) + RedisServer.command("PING")
        let answer = await LoopbackSocket.ask(port: port, request) { $0.suffix(end.utf8.count).elementsEqual(end.utf8) }
        guard let answer else {
            throw TestKitError(.commandFailed, "the node at \(port) did not answer \(words.joined(separator: " "))")
        }
        let text = String(decoding: answer.dropLast(end.utf8.count), as: UTF8.self)
        return text.split(separator: "\r\n").map(String.init)
    }
}
