import CeleriacCore
import CeleriacWire
import CeleryWire
import Logging
import NIOConcurrencyHelpers

/// What a worker knows of others with its node name.
///
/// RabbitMQ lets only one of them have the name's inbox. Redis cannot refuse: all of them answer remote control, and whoever
/// asks takes them for one. Celery's clients notice by the number of replies; workers notice by the greeting that a worker
/// sends when it begins. Python's workers hear no greeting with their own name, but answer whoever asks for it, so a worker
/// that begins asks.
struct Namesakes: Sendable {
    /// The argument that says which run of a worker greets or asks. Python's workers send none, and ignore it.
    static let argument = "celeriac_run"
    /// How many are told of. Anybody may send greetings.
    private static let limit = 100

    /// Tells this run of the worker from others, whose greetings it also hears.
    let run: String
    private var met: Set<String> = []

    init(run: String = randomUUID()) { self.run = run }

    /// Notes a greeting with the worker's own node name.
    ///
    /// - Parameter other: which run has sent it; nil if it does not say.
    /// - Returns: whether another worker has sent it of which nobody has heard yet.
    mutating func meet(_ other: String?) -> Bool {
        let other = other ?? ""
        guard other != run, met.count < Self.limit else { return false }
        return met.insert(other).inserted
    }
}

extension CeleryRemoteControl {
    /// Greets other workers as Celery's do when they begin. It asks for no replies.
    func greet() async {
        let run = namesakes.withLockedValue { $0.run }
        let request = CeleryControlRequest(
            "hello",
            arguments: ["from_node": .string(nodeName), "revoked": [], Namesakes.argument: .string(run)],
            clock: clock.forward())
        do {
            let form = content.serializer
            let message = try content.sealed(request.encode(as: form.contentForm), as: form)
            try await mailbox.publish([OutgoingMessage(message: message, exchange: names.requests, routingKey: "")])
        } catch {
            logger.debug("remote control: could not greet other workers", metadata: ["error": "\(error)"])
        }
    }

    /// Asks who has this worker's node name, for a second at most, or until it stops. Workers of Celeriac do not answer: they
    /// hear greetings.
    func askForNamesakes(until stopping: Gate) async {
        _ = try? await stopping.unlessOpen { await self.askForNamesakes() }
    }

    private func askForNamesakes() async {
        let run = namesakes.withLockedValue { $0.run }
        var request = CeleryControlRequest("ping", arguments: [Namesakes.argument: .string(run)])
        request.destination = [nodeName]
        do {
            let replies = try await caller.call(request, timeout: .seconds(1), limit: 1)
            if replies.contains(where: { $0.nodeName == nodeName }) { await meet(nil) }
        } catch {
            logger.debug("remote control: could not ask for the node name", metadata: ["error": "\(error)"])
        }
    }

    /// Whether a request comes from a worker that looks for others with its node name, this one or another of Celeriac.
    func isOfNamesake(_ request: CeleryControlRequest) -> Bool {
        request.method == "ping" && request.arguments[Namesakes.argument] != nil
    }

    /// Says that another worker has this one's node name, once for each, and lets it know.
    func meet(_ other: String?) async {
        guard namesakes.withLockedValue({ $0.meet(other) }) else { return }
        logger.warning(
            "another worker has this node name: clients and monitors take both for one",
            metadata: [
                "node": "\(nodeName)",
                // Celery's words in its `DuplicateNodenameWarning`.
                "advice": "Please make sure you give each node a unique nodename using the celery worker `-n` option.",
            ])
        if mailbox is any SharedMailbox { await greet() }
    }
}
