#if Redis
import CeleriacWire

/// A Lua script that the server caches and runs by its hash.
///
/// Make one object for each source, for example as a `static let`. Call it with
/// ``RedisClient/evaluate(_:keys:arguments:)`` or, inside a pipeline, with
/// ``RedisCommand/evaluate(_:keys:arguments:)``.
///
/// A connection loads a script with `SCRIPT LOAD` before its first `EVALSHA`, in the same pipeline, so a server
/// restart, which empties the script cache, never matters. Only if somebody empties the cache under a live connection
/// (`SCRIPT FLUSH`) does a call fail with `NOSCRIPT`. Such a call did nothing, and the connection repeats it by source
/// (`EVAL`) before it answers. The commands after it in the batch have then run before it: if a later command must not
/// run without the script, do both in the script or send two batches.
package final class RedisScript: Sendable {
    /// The script's name in logs and errors.
    package let name: String
    /// The Lua source.
    package let source: String
    /// The server's name for the script: the source's SHA-1 in hexadecimal digits.
    package let hash: String
    /// How many arguments belong to each key, if the script treats each key by itself and returns a number. Where keys lie
    /// in several slots of a cluster such a script is called for each slot, and the caller gets the sum.
    let argumentsPerKey: Int?

    /// `EVALSHA hash` and `EVAL source`, each as two RESP bulk strings.
    private let byHash: [UInt8]
    private let bySource: [UInt8]

    /// Creates a script. `argumentsPerKey` is how many arguments belong to each key, if the script treats each key by
    /// itself and returns a number, which may be the sum of several calls.
    package init(name: String, source: String, argumentsPerKey: Int? = nil) {
        self.name = name
        self.source = source
        self.argumentsPerKey = argumentsPerKey
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
    /// Creates a script call, to be sent alone or anywhere in a pipeline.
    ///
    /// - Parameters:
    ///   - script: The script.
    ///   - keys: The script's `KEYS`.
    ///   - arguments: The script's `ARGV`.
    /// - Returns: The command. It names the script by its hash; the connection makes sure that the server knows it.
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
