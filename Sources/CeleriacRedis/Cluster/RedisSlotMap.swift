#if Redis

/// Which node of a cluster serves which slot, as its nodes tell it.
struct RedisSlotMap: Sendable {
    private static let nobody = UInt16.max

    /// All nodes, replicas among them.
    private(set) var nodes: [RedisAddress] = []
    /// For each slot the place of its node in ``nodes``; empty as long as there is none.
    private var owners: [UInt16] = []

    /// Creates a map in which nobody serves anything.
    init() {}

    /// Reads the reply to `CLUSTER SLOTS`; nil if that names no node.
    ///
    /// - Parameters:
    ///   - reply: The reply.
    ///   - asked: The node that gave it. One that does not know under which host another is reached means its own.
    init?(_ reply: RedisValue, from asked: RedisAddress) {
        for range in reply.array ?? [] {
            guard let parts = range.array, parts.count > 2, let first = parts[0].int, let last = parts[1].int,
                0 <= first, first <= last, last < RedisSlot.count
            else { continue }
            for (place, node) in parts.dropFirst(2).enumerated() {
                guard let address = Self.address(node, from: asked) else { continue }
                let number = number(of: address)
                // The first serves the slots, the others are its replicas.
                if place == 0 { for slot in first...last { owners[slot] = number } }
            }
        }
        if nodes.isEmpty { return nil }
    }

    /// The node that serves a slot; nil if that is not known.
    subscript(slot: RedisSlot) -> RedisAddress? {
        guard owners.indices.contains(slot.number) else { return nil }
        let number = Int(owners[slot.number])
        return nodes.indices.contains(number) ? nodes[number] : nil
    }

    /// Notes which node serves a slot.
    mutating func learn(_ slot: RedisSlot, at address: RedisAddress) {
        let number = number(of: address)
        owners[slot.number] = number
    }

    private mutating func number(of address: RedisAddress) -> UInt16 {
        if owners.isEmpty { owners = Array(repeating: Self.nobody, count: RedisSlot.count) }
        let place = nodes.firstIndex(of: address) ?? nodes.count
        if place == nodes.count { nodes.append(address) }
        return UInt16(exactly: place) ?? Self.nobody
    }

    private static func address(_ node: RedisValue, from asked: RedisAddress) -> RedisAddress? {
        guard let parts = node.array, parts.count > 1, let port = parts[1].int else { return nil }
        return RedisAddress(host: parts[0].string ?? "", port: port, toldBy: asked)
    }
}

extension RedisAddress {
    /// Creates the address of a node as another node tells it; nil if that is none.
    ///
    /// - Parameters:
    ///   - host: The host; empty or `?` for that of the other node.
    ///   - port: The port.
    ///   - asked: The node that told it.
    init?(host: String, port: Int, toldBy asked: RedisAddress) {
        guard 1...65_535 ~= port else { return nil }
        self.init(host: host.isEmpty || host == "?" ? asked.host : host, port: port)
    }
}
#endif
