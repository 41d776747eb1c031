#if Redis

/// A Lua script that the server keeps and runs by its hash.
///
/// Make one per source, for instance as a `static let`, and call it with
/// ``RedisClient/evaluate(_:keys:arguments:)`` or, inside a pipeline, with
/// ``RedisCommand/evaluate(_:keys:arguments:)``.
///
/// A connection loads a script with `SCRIPT LOAD` in front of its first `EVALSHA`, in the same pipeline. So a restart
/// of the server, which empties its script cache, is never noticed. Only where somebody empties the cache under a
/// living connection (`SCRIPT FLUSH`) does a call fail with `NOSCRIPT`; such a call did nothing, and the connection
/// repeats it with its source (`EVAL`) before it answers. The commands behind it in the batch have then run before
/// it: where a later command must not run without the script, do both in the script or send two batches.
package final class RedisScript: Sendable {
    /// A name for people: logs and errors.
    package let name: String
    /// The Lua source.
    package let source: String
    /// The name under which the server keeps the script: the source's SHA-1 in hexadecimal digits.
    package let hash: String

    /// `EVALSHA hash` and `EVAL source`, each as two RESP bulk strings.
    private let byHash: [UInt8]
    private let bySource: [UInt8]

    /// Creates a script.
    package init(name: String, source: String) {
        self.name = name
        self.source = source
        hash = SHA1.hexadecimal(Array(source.utf8))
        byHash = Array("$7\r\nEVALSHA\r\n$\(hash.utf8.count)\r\n\(hash)\r\n".utf8)
        bySource = Array("$4\r\nEVAL\r\n$\(source.utf8.count)\r\n\(source)\r\n".utf8)
    }

    func prefix(_ form: RedisCommand.ScriptForm) -> [UInt8] {
        switch form {
        case .hash: byHash
        case .source: bySource
        }
    }
}

extension RedisCommand {
    /// A call of a script, to be sent alone or anywhere inside a pipeline.
    ///
    /// - Parameters:
    ///   - script: The script.
    ///   - keys: What the script finds in `KEYS`.
    ///   - arguments: What the script finds in `ARGV`.
    package static func evaluate(
        _ script: RedisScript, keys: [any RedisArgument] = [], arguments: [any RedisArgument] = []
    ) -> RedisCommand {
        var command = RedisCommand(script: script)
        command.append(keys.count)
        for key in keys { key.append(to: &command) }
        for argument in arguments { argument.append(to: &command) }
        return command
    }
}
#endif
