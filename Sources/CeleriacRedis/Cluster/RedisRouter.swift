#if Redis
internal import Logging
internal import NIOCore

/// The state of a ``RedisClient``, confined to its event loop: leads each command to the server that can do it.
///
/// As long as the server is none of a cluster there is one, and calls go to it as they are. A cluster says that it is one
/// when a connection is made. From then on there is a connection to each node that a command needs, and pipelines are
/// taken apart (``RedisClusterBatch``).
final class RedisRouter {
    let configuration: RedisConfiguration
    let eventLoop: any EventLoop
    private let logger: Logger
    /// Finds the server, and does everything if that is none of a cluster.
    private let home: RedisClientCore
    private var nodes: [RedisAddress: RedisClientCore] = [:]
    private var hooks: [@Sendable (RedisConnection) -> [RedisCommand]] = []
    private var isCluster: Bool
    /// The calls that no node has answered completely.
    var calls: [ObjectIdentifier: RedisClusterCall] = [:]
    /// Those of them that came before anything was known of the slots.
    private var early: [RedisClusterCall] = []
    /// Whether a node is being asked for the slots.
    private var isAsking = false
    private var askNotBefore = NIODeadline.uptimeNanoseconds(0)
    private var isClosed = false

    init(_ configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.logger = logger
        isCluster = configuration.topology.isKnown
        home = RedisClientCore(configuration, eventLoop: eventLoop, logger: logger)
        home.router = self
    }

    /// Sends a batch, or keeps it until there is a connection; unless it waits for a server, only until none can be made.
    /// The nodes of a known cluster take over from one another, so that there it is kept anyway.
    func send(_ commands: [RedisCommand], timeout: Duration?, waitsForServer: Bool = true, waiter: RedisWaiter) {
        guard isCluster else {
            return home.send(commands, timeout: timeout, waitsForServer: waitsForServer, waiter: waiter)
        }
        guard !isClosed else { return waiter.fail(RedisClientCore.closedError) }
        guard !commands.isEmpty else { return waiter.succeed([]) }
        let call = RedisClusterCall(commands, timeout: timeout, waiter: waiter)
        calls[ObjectIdentifier(call)] = call
        if isAsking, !topology.isKnown {
            early.append(call)
        } else {
            dispatch(Array(call.batch.parts.indices), of: call)
        }
    }

    /// Adds a hook, and runs it on the connections that there are.
    func addHook(_ hook: @escaping @Sendable (RedisConnection) -> [RedisCommand]) {
        hooks.append(hook)
        home.addHook(hook)
        for node in nodes.values { node.addHook(hook) }
    }

    /// Closes the client for good.
    func close(_ done: EventLoopPromise<Void>?) {
        isClosed = true
        let open = calls
        calls = [:]
        early = []
        let ends = ([home] + nodes.values).map { core -> EventLoopFuture<Void> in
            let end = eventLoop.makePromise(of: Void.self)
            core.close(end)
            return end.futureResult
        }
        for call in open.values { call.waiter.fail(RedisClientCore.closedError) }
        EventLoopFuture.andAllComplete(ends, on: eventLoop).cascade(to: done)
    }

    // MARK: Nodes

    var topology: RedisTopology { configuration.topology }

    /// Takes a connection to a node of a cluster, where a single server was thought to be.
    func foundCluster(by connection: RedisConnection) {
        isCluster = true
        logger.debug("Redis is a cluster", metadata: ["server": "\(configuration)"])
        server(connection.address).adopt(connection)
        if !topology.isKnown { askForSlots([connection.address]) }
    }

    /// What talks to a node.
    func server(_ address: RedisAddress) -> RedisClientCore {
        if let node = nodes[address] { return node }
        let node = RedisClientCore(configuration.node(address), eventLoop: eventLoop, logger: logger)
        for hook in hooks { node.addHook(hook) }
        if isClosed { node.close(nil) }
        nodes[address] = node
        return node
    }

    /// The node that serves a slot, as far as that is known; without a slot one that is there.
    func address(for slot: RedisSlot?) -> RedisAddress {
        if let slot, let owner = topology.owner(of: slot) { return owner }
        let connected = nodes.first { address, node in
            node.isConnected && (topology.contains(address) || !topology.isKnown)
        }
        return connected?.key ?? topology.nodesInTurn(besides: seeds).first ?? configuration.address
    }

    private var seeds: [RedisAddress] { [configuration.address] + configuration.seeds }

    // MARK: Slots

    /// Asks a node which node serves which slot, unless one was asked a moment ago.
    ///
    /// - Parameter first: The nodes to ask first; others follow if these do not answer.
    func askForSlots(_ first: [RedisAddress] = []) {
        guard !isAsking, !isClosed, eventLoop.now >= askNotBefore else { return }
        isAsking = true
        // What the one said that was asked first may be old: next time it is another one's turn.
        topology.passTurn()
        let others = topology.nodesInTurn(besides: seeds).filter { !first.contains($0) }
        let connected = others.filter { nodes[$0]?.isConnected == true }
        ask((first + connected + others.filter { !connected.contains($0) })[...])
    }

    private func ask(_ candidates: ArraySlice<RedisAddress>) {
        guard let address = candidates.first, !isClosed else { return stopAsking() }
        let promise = eventLoop.makePromise(of: [RedisValue].self)
        promise.futureResult.assumeIsolated().whenComplete { result in
            let reply = (try? result.get())?.first ?? .null
            if let slots = RedisSlotMap(reply, from: address) {
                self.topology.replace(with: slots)
                self.stopAsking()
            } else {
                if let refusal = result.refusal {
                    self.logger.debug(
                        "a node of the cluster did not tell its slots",
                        metadata: ["node": "\(address)", "error": "\(refusal)"])
                }
                self.ask(candidates.dropFirst())
            }
        }
        server(address).send(
            [RedisCommand("CLUSTER", "SLOTS")], timeout: configuration.connectTimeout, waiter: .promise(promise))
    }

    /// Goes on with what is known. Who does not know a slot's node asks any, and is told by the redirection.
    private func stopAsking() {
        isAsking = false
        askNotBefore = eventLoop.now + .milliseconds(100)
        if topology.isKnown {
            // Nodes that have left, and one that the others know by another name.
            for (address, node) in nodes where node.isIdle && !topology.contains(address) {
                nodes[address] = nil
                node.close(nil)
            }
        }
        let calls = early
        early = []
        for call in calls { dispatch(Array(call.batch.parts.indices), of: call) }
    }
}
#endif
