#if Redis
import CHiredis
import NIOCore
import Testing

@testable import CeleriacRedis

@Suite struct RedisCommandTests {
    private static func wire(_ command: RedisCommand, _ form: RedisCommand.ScriptForm = .hash) -> [UInt8] {
        var buffer = ByteBuffer()
        command.write(to: &buffer, form)
        return Array(buffer.readableBytesView)
    }

    /// How hiredis encodes the same words.
    private static func reference(_ words: [[UInt8]]) -> [UInt8] {
        let flat = Array(words.joined()) + [0]
        return flat.withUnsafeBytes { bytes in
            var pointers: [UnsafePointer<CChar>?] = []
            var offset = 0
            for word in words {
                pointers.append(bytes.baseAddress?.advanced(by: offset).assumingMemoryBound(to: CChar.self))
                offset += word.count
            }
            var target: UnsafeMutablePointer<CChar>?
            let count = redisFormatCommandArgv(&target, Int32(words.count), &pointers, words.map(\.count))
            defer { redisFreeCommand(target) }
            return Array(UnsafeRawBufferPointer(start: target, count: Int(count)))
        }
    }

    @Test func writesWhatTheServerReads() {
        let command = RedisCommand("SET", "kö\r\n", [0, 255, 13, 10], 0, -7, 1_234_567_890, 1.5)
        #expect(
            Self.wire(command)
                == Array("*7\r\n$3\r\nSET\r\n$5\r\nkö\r\n\r\n$4\r\n".utf8) + [0, 255, 13, 10]
                + Array("\r\n$1\r\n0\r\n$2\r\n-7\r\n$10\r\n1234567890\r\n$3\r\n1.5\r\n".utf8))
        #expect(command.argumentCount == 7)
    }

    @Test func writesWhatHiredisWrites() {
        for (words, sizes) in [
            (1, [0, 70_000]), (2, [0, 9]), (9, [1, 10, 99, 100, 4097]), (10, [7]), (1001, [0, 9, 10]),
        ] {
            for size in sizes {
                let arguments = (0..<words).map { word in
                    (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ word) }
                }
                var command = RedisCommand(script: nil)
                for argument in arguments { command.append(argument) }
                #expect(Self.wire(command) == Self.reference(arguments))
                #expect(command.wireSize() >= Self.wire(command).count)
            }
        }
    }

    @Test func acceptsAllKindsOfArguments() {
        let text = "a/b/c"
        let buffer = ByteBuffer(string: "buffer")
        let command = RedisCommand(
            "X", text.prefix(3), ArraySlice([1, 2, 3]).dropFirst(), buffer, Int64.min, 0.1, 1e300)
        #expect(
            Self.wire(command)
                == Self.reference(
                    [Array("X".utf8), Array("a/b".utf8), [2, 3], Array("buffer".utf8)]
                        + ["-9223372036854775808", "0.1", "1e+300"].map { Array($0.utf8) }))
        #expect(Self.wire(RedisCommand("X", arguments: ["1", 2])) == Self.wire(RedisCommand("X", 1, "2")))
    }

    @Test func callsAScriptByHashOrSource() {
        let script = RedisScript(name: "one", source: "return 1")
        let command = RedisCommand.evaluate(script, keys: ["a", "b"], arguments: [[1], 5])
        let tail: [[UInt8]] = ["2", "a", "b"].map { Array($0.utf8) } + [[1], Array("5".utf8)]
        #expect(Self.wire(command) == Self.reference(["EVALSHA", script.hash].map { Array($0.utf8) } + tail))
        #expect(Self.wire(command, .source) == Self.reference(["EVAL", "return 1"].map { Array($0.utf8) } + tail))
        #expect(command.wireSize(.source) >= Self.wire(command, .source).count)
    }

    @Test func descriptionShowsNoArguments() {
        #expect("\(RedisCommand("SET", "key", "secret"))" == "command (3 words)")
        let script = RedisScript(name: "claim", source: "return 1")
        #expect("\(RedisCommand.evaluate(script, keys: ["secret"]))" == "script claim (2 arguments)")
    }
}
#endif
