package import CeleryWire

/// How Celery's queues are laid out in Redis. All clients and workers of a database must agree on these.
public struct CeleryRedisOptions: Sendable {
    /// Prepended to every key as it is: kombu's `global_keyprefix`. In a Redis Cluster it must have a hash tag, such as
    /// `{celery}`, so that all keys lie in one slot.
    public var keyPrefix: String
    /// How long a message may be claimed without its claim being renewed before any worker may restore it: kombu's
    /// `visibility_timeout`, which must be the same at all workers of a database. A Celeriac worker renews its claims
    /// while it holds them, so tasks may take longer.
    public var visibilityTimeout: Duration
    /// The priorities that have a list of their own: kombu's `priority_steps`.
    public var prioritySteps: [UInt8]
    /// What stands between a queue's name and its priority step: kombu's `sep`.
    public var separator: String
    /// Where claims are kept: kombu's `unacked_key`, `unacked_index_key` and `unacked_mutex_key`.
    package var claimKeys = ClaimKeys()
    /// What stands before the channels of broadcasts, with the database in the place of `{db}`: kombu's `fanout_prefix`.
    /// Python's workers receive only under a prefix that begins with a slash and ends with a dot.
    package var fanoutPrefix = "/{db}."
    /// Whether the channels of broadcasts name routing keys: kombu's `fanout_patterns`.
    package var channelsHaveRoutingKeys = true
    /// How envelopes of tasks carry bodies, as they tell their readers: kombu's `body_encoding`.
    package var bodyEncoding = KombuBodyEncoding.base64

    /// The names of the keys in which claims are kept.
    package struct ClaimKeys: Sendable, Hashable {
        /// The messages, by tag.
        package var messages = "unacked"
        /// The times of the claims, by tag.
        package var index = "unacked_index"
        /// The lock of those who restore.
        package var mutex = "unacked_mutex"

        package init() {}
    }

    /// Creates options, with kombu's defaults.
    public init(
        keyPrefix: String = "",
        visibilityTimeout: Duration = .seconds(3600),
        prioritySteps: [UInt8] = [0, 3, 6, 9],
        separator: String = "\u{06}\u{16}"
    ) {
        self.keyPrefix = keyPrefix
        self.visibilityTimeout = visibilityTimeout
        self.prioritySteps = prioritySteps
        self.separator = separator
    }

    var keys: KombuKeys {
        var keys = KombuKeys(prefix: keyPrefix, separator: separator, prioritySteps: prioritySteps)
        keys.claimKeys = claimKeys
        keys.fanoutPrefix = fanoutPrefix
        keys.channelsHaveRoutingKeys = channelsHaveRoutingKeys
        return keys
    }
}

/// The names of kombu's keys in Redis.
struct KombuKeys: Sendable {
    /// Prepended to every key as it is: kombu's `global_keyprefix`.
    let prefix: String
    /// Stands between a queue's name and its priority step, and between the parts of a binding.
    let separator: String
    /// The priorities that have a list of their own, ascending. Workers take from 0 first.
    let prioritySteps: [UInt8]
    /// Where claims are kept.
    var claimKeys = CeleryRedisOptions.ClaimKeys()
    /// Stands before the channels of broadcasts, with the database in the place of `{db}`.
    var fanoutPrefix = "/{db}."
    /// Whether the channels of broadcasts name routing keys.
    var channelsHaveRoutingKeys = true

    init(prefix: String = "", separator: String = "\u{06}\u{16}", prioritySteps: [UInt8] = [0, 3, 6, 9]) {
        self.prefix = prefix
        self.separator = separator
        self.prioritySteps = prioritySteps.sorted()
    }

    var unacked: String { prefix + claimKeys.messages }
    var unackedIndex: String { prefix + claimKeys.index }
    var unackedMutex: String { prefix + claimKeys.mutex }

    /// The list of a queue for one priority step. Step 0 is the plain name.
    func list(_ queue: String, step: UInt8) -> String {
        step == 0 ? prefix + queue : "\(prefix)\(queue)\(separator)\(step)"
    }

    /// The list of a queue for a priority: that of the largest step not above it. A priority past 9 counts as 9.
    func list(_ queue: String, priority: UInt8) -> String {
        let clamped = min(priority, 9)
        return list(queue, step: prioritySteps.last { $0 <= clamped } ?? prioritySteps.first ?? 0)
    }

    /// The list in which workers once kept a message that Redis had handed to them. Nothing is put there any more;
    /// every claim begins there, so that nothing stays behind after an upgrade.
    func handover(ofList list: String) -> String { list + ".handover" }

    /// The list of parked messages, which cannot be run.
    func parked(_ queue: String) -> String { "\(prefix)\(queue).parked" }

    /// The counter of how often a message came back unsettled, under the tag of its envelope.
    func attempts(_ deliveryTag: String) -> String { "\(prefix)celeriac.attempts.\(deliveryTag)" }

    /// The epoch of the consumer whose claims begin with a prefix.
    func epoch(_ tagPrefix: String) -> String { "\(prefix)celeriac.epoch.\(tagPrefix)" }

    /// The notes of paused queues, by queue.
    var paused: String { prefix + "celeriac.paused" }

    /// The bindings of an exchange.
    func binding(_ exchange: String) -> String { "\(prefix)_kombu.binding.\(exchange)" }

    /// The bindings of an exchange to queues that do not expire (kombu 5.7).
    func permanentBinding(_ exchange: String) -> String { "\(prefix)_kombu.binding_permanent.\(exchange)" }

    /// When the tables of expiring bindings may be swept, by exchange (kombu 5.7).
    var bindingDeadlines: String { prefix + "_kombu.binding_deadlines" }

    /// The channel on which messages of a fan-out exchange are published. It names the database, since Redis keeps one
    /// set of channels for all.
    func channel(_ exchange: String, routingKey: String = "", database: Int) -> String {
        let channel = prefix + fanoutPrefix.replacing("{db}", with: "\(database)") + exchange
        return routingKey.isEmpty || !channelsHaveRoutingKeys ? channel : "\(channel)/\(routingKey)"
    }

    /// A member of a binding set. Direct bindings have an empty pattern.
    func bindingMember(routingKey: String, pattern: String = "", queue: String) -> String {
        [routingKey, pattern, queue].joined(separator: separator)
    }
}
