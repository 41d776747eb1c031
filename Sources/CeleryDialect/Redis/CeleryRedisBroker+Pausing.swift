#if Redis
package import CeleriacCore
import CeleriacRedis

extension CeleryRedisBroker: PausingBroker {
    /// Reads the notes of queues, which are the fields of one hash.
    package func pauses(of queues: [String]) async throws -> [QueuePause] {
        guard !queues.isEmpty else { return [] }
        var command = RedisCommand("HMGET", keys.paused)
        for queue in queues { command.append(queue) }
        // A worker that begins has told nobody yet that the server is not there.
        let notes = try await keeping([command], waitsForServer: false).first?.array ?? []
        return zip(queues, notes).compactMap { queue, note in note.bytes.map { QueuePause(queue: queue, note: $0) } }
    }

    /// Writes a note.
    package func notePause(_ pause: QueuePause) async throws {
        _ = try await keeping([RedisCommand("HSET", keys.paused, pause.queue, pause.note)])
    }

    /// Deletes a note.
    package func endPause(of queue: String) async throws -> Bool {
        try await keeping([RedisCommand("HDEL", keys.paused, queue)]).first?.int == 1
    }

    private func keeping(
        _ commands: [RedisCommand], waitsForServer: Bool = true
    ) async throws(CeleriacError) -> [RedisValue] {
        do throws(RedisError) {
            let replies = try await client.send(
                commands, timeout: configuration.commandTimeout, waitsForServer: waitsForServer)
            if let refusal = replies.lazy.compactMap(\.error).first { throw RedisError(refusal) }
            return replies
        } catch {
            throw CeleriacError.ofPauseNotes(at: name, isOutOfReach: error.isOutOfReach, cause: error)
        }
    }
}
#endif
