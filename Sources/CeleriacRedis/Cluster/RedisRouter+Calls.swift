#if Redis
internal import NIOCore

/// How the parts of a call come to their nodes, and what becomes of those that a node refuses.
extension RedisRouter {
    private static let asking = RedisCommand("ASKING")

    /// Sends parts of a call to the nodes that serve their slots, those for one node together.
    func dispatch(_ parts: [Int], of call: RedisClusterCall) {
        var targets: [(node: RedisAddress, parts: [Int])] = []
        for part in parts {
            let node = address(for: call.batch.parts[part].slot)
            if let place = targets.firstIndex(where: { $0.node == node }) {
                targets[place].parts.append(part)
            } else {
                targets.append((node, [part]))
            }
        }
        call.outstanding += targets.count
        for (node, parts) in targets { send(parts, of: call, to: node, isAsking: false) }
    }

    private func send(_ parts: [Int], of call: RedisClusterCall, to node: RedisAddress, isAsking: Bool) {
        var commands: [RedisCommand] = []
        for part in parts {
            // It holds for the next command or transaction.
            if isAsking { commands.append(Self.asking) }
            commands += call.batch.parts[part].commands
        }
        let promise = eventLoop.makePromise(of: [RedisValue].self)
        promise.futureResult.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let replies): self.answered(replies, to: parts, of: call, by: node, isAsking: isAsking)
            case .failure(let error): self.failed(error, parts, of: call, at: node)
            }
            self.conclude(call)
        }
        server(node).send(commands, timeout: call.timeout, waiter: .promise(promise))
    }

    /// Notes that an answer or the end of a pause has come.
    private func conclude(_ call: RedisClusterCall) {
        call.outstanding -= 1
        guard call.outstanding == 0, calls.removeValue(forKey: ObjectIdentifier(call)) != nil else { return }
        call.finish()
    }

    private func answered(
        _ replies: [RedisValue], to parts: [Int], of call: RedisClusterCall, by node: RedisAddress, isAsking: Bool
    ) {
        var rest = replies[...]
        var refused = Refused()
        for part in parts {
            if isAsking { rest = rest.dropFirst() }
            let count = call.batch.parts[part].commands.count
            let own = rest.prefix(count)
            rest = rest.dropFirst(count)
            // Of a transaction nothing is done if one of its commands is led elsewhere.
            guard let redirection = own.lazy.compactMap(\.error).compactMap({ RedisRedirection($0, from: node) }).first
            else {
                call.take(own, for: part)
                continue
            }
            switch redirection {
            case .moved(let slot, let address):
                topology.learn(slot, at: address)
                refused.owners.append(address)
            case .down: refused.isDown = true
            case .ask, .wait: break
            }
            let step = next(of: part, of: call, after: redirection)
            if step == .giveUp {
                call.take(own.map { explained($0, of: part, of: call, at: node) }[...], for: part)
            } else {
                refused.steps.append((part, step))
            }
        }
        follow(refused, of: call)
    }

    private func failed(_ error: any Error, _ parts: [Int], of call: RedisClusterCall, at node: RedisAddress) {
        let error = RedisError(transport: error, code: .connectionLost, "The connection to the server broke.")
        // Nothing else says that the commands were not sent.
        guard error.code == .connectFailed else { return call.fail(error) }
        var refused = Refused(isDown: true)
        for part in parts {
            let step = next(of: part, of: call, after: .down)
            if step == .giveUp { call.fail(error) } else { refused.steps.append((part, step)) }
        }
        follow(refused, of: call)
    }

    private func next(
        of part: Int, of call: RedisClusterCall, after redirection: RedisRedirection
    ) -> RedisRedirectPolicy.Step {
        call.policies[part, default: RedisRedirectPolicy()].next(
            after: redirection, now: eventLoop.now, patience: TimeAmount(clamping: configuration.connectTimeout))
    }

    /// A reply as the caller gets it when no node does the part.
    private func explained(
        _ reply: RedisValue, of part: Int, of call: RedisClusterCall, at node: RedisAddress
    ) -> RedisValue {
        guard let error = reply.error, RedisRedirection(error, from: node) != nil, let policy = call.policies[part]
        else { return reply }
        return .error(error.after(policy, from: node))
    }

    /// The parts of an answer that were not done.
    private struct Refused {
        var steps: [(part: Int, step: RedisRedirectPolicy.Step)] = []
        /// The nodes that are said to serve their slots.
        var owners: [RedisAddress] = []
        /// Whether nobody serves some slots, as far as is known.
        var isDown = false
    }

    private func follow(_ refused: Refused, of call: RedisClusterCall) {
        guard !refused.steps.isEmpty else { return }
        var again: [Int] = []
        var later: [Int] = []
        var pause = Duration.zero
        for (part, step) in refused.steps {
            switch step {
            case .resend:
                again.append(part)
            case .ask(let node):
                call.outstanding += 1
                send([part], of: call, to: node, isAsking: true)
            case .pause(let duration):
                later.append(part)
                pause = max(pause, duration)
            case .giveUp:
                break
            }
        }
        // Those who serve what has moved know best.
        if refused.isDown || !refused.owners.isEmpty { askForSlots(refused.owners) }
        if !again.isEmpty { dispatch(again, of: call) }
        guard !later.isEmpty else { return }
        call.outstanding += 1
        _ = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(clamping: pause)) { () -> Void in
            // A client that was closed meanwhile has answered.
            if self.calls[ObjectIdentifier(call)] != nil { self.dispatch(later, of: call) }
            self.conclude(call)
        }
    }
}
#endif
