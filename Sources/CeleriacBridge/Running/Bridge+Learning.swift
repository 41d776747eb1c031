import CeleriacCore
import CeleryDialect
import Logging

/// What a bridge learns at one broker before its routes take messages.
struct Lesson: Sendable {
    /// Open once the other nodes are asked, or cannot be. RabbitMQ says whether anybody hears a question only as long as the
    /// bridge does not hear it itself.
    let isAsked = Gate()
    /// Open once everything is learned.
    let isOver = Gate()
}

extension Bridge {
    /// Learns what was revoked before the bridge began: from the notes of bridges, and from other nodes of remote control.
    func learn(at end: BridgeEnd, from notes: RevocationNotes, _ lesson: Lesson) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.read(notes) }
            group.addTask { await self.mingle(at: end, lesson) }
        }
        lesson.isOver.open()
    }

    private func read(_ notes: RevocationNotes) async {
        do {
            for id in try await notes.read() {
                notedRevocations.insert(id)
                revoked.insert(id)
            }
        } catch {
            logger.warning("a bridge could not read which tasks were revoked", metadata: ["error": "\(error)"])
        }
    }

    private func mingle(at end: BridgeEnd, _ lesson: Lesson) async {
        defer { lesson.isAsked.open() }
        guard isControlled,
            let mingling = Mingling(
                nodeName: nodeName, broker: end.notes, timers: end.client.timers, logger: logger)
        else { return }
        do {
            let ids = try await mingling.learn(telling: revoked.all, until: stopping) { lesson.isAsked.open() }
            for id in ids { revoked.insert(id) }
        } catch {
            logger.info("a bridge could not ask other nodes for revoked tasks", metadata: ["error": "\(error)"])
        }
    }
}
