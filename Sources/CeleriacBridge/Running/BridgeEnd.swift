package import CeleriacCore

/// One side of a bridge: a task system with its broker and its result store.
package struct BridgeEnd: Sendable {
    /// The task system.
    package let kind: BridgeDialect
    /// Publishes and reads results.
    package let client: TaskClient
    /// Where notes about what was forwarded to this side are kept: the broker's server, in Celery's layout. Machinery's
    /// queues at RabbitMQ share one binding key, by which notes would get copies of tasks.
    package let notes: any MessageBroker
    /// The queue of tasks that name none. At RabbitMQ its name is not its routing key.
    package let defaultQueue: String
    /// The revocations that this side was told of: a bridge hears what it broadcasts itself.
    let toldRevocations = RepeatWindow()

    /// Makes a side. ``close()`` closes the client and the broker of notes.
    package init(_ kind: BridgeDialect, client: TaskClient, notes: any MessageBroker, defaultQueue: String) {
        self.kind = kind
        self.client = client
        self.notes = notes
        self.defaultQueue = defaultQueue
    }

    var dialect: any Dialect { client.dialect }
    var broker: any MessageBroker { client.broker }

    /// Whether what is stored can be read, and read again: only then can a bridge wait for it.
    package var keepsResults: Bool {
        guard let store = client.store else { return false }
        return !store.discardsResults && !store.deliversOnce && !store.fetchingRemoves
    }

    func close() async {
        await notes.close()
        await client.close()
    }
}
