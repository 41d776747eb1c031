#if Redis
import Testing
import TestSupport

@testable import CeleriacRedis

@Suite struct RedisReplyDecoderTests {
    private static let samples: [(wire: String, value: RedisValue)] = [
        ("+OK\r\n", .status("OK")),
        ("+\r\n", .status("")),
        ("-NOSCRIPT No matching script.\r\n", .error(.init(code: "NOSCRIPT", message: "No matching script."))),
        ("-ERR\r\n", .error(.init(code: "ERR", message: ""))),
        ("-my own words\r\n", .error(.init(code: "ERR", message: "my own words"))),
        (":0\r\n", .integer(0)),
        (":-42\r\n", .integer(-42)),
        (":9223372036854775807\r\n", .integer(.max)),
        (":-9223372036854775808\r\n", .integer(.min)),
        ("$-1\r\n", .null),
        ("*-1\r\n", .null),
        ("$0\r\n\r\n", .bulk([])),
        ("$4\r\na\r\nb\r\n", .text("a\r\nb")),
        ("$12\r\nzwölf Bytes\r\n", .text("zwölf Bytes")),
        ("*0\r\n", .array([])),
        ("*3\r\n:1\r\n$1\r\nx\r\n*-1\r\n", .array([.integer(1), .text("x"), .null])),
        (
            "*2\r\n*2\r\n*0\r\n+a\r\n*1\r\n-WRONGTYPE no\r\n",
            .array([
                .array([.array([]), .status("a")]), .array([.error(.init(code: "WRONGTYPE", message: "no"))]),
            ])
        ),
        (
            "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:8\r\n",
            .array([.array([.array([.array([.array([.array([.array([.array([.integer(8)])])])])])])])])
        ),
    ]

    /// Decodes pieces one after the other.
    private static func decode(_ pieces: [[UInt8]], limit: Int = 1 << 20) throws -> [RedisValue] {
        let decoder = try RedisReplyDecoder(maximumReplyBytes: limit)
        var values: [RedisValue] = []
        for piece in pieces {
            try piece.withUnsafeBytes { bytes in
                try decoder.decode(bytes) { values.append($0) }
            }
        }
        return values
    }

    @Test(arguments: samples) func readsAReplyAtEverySplit(_ sample: (wire: String, value: RedisValue)) throws {
        let bytes = Array(sample.wire.utf8)
        #expect(try Self.decode([bytes]) == [sample.value])
        for split in 1..<bytes.count {
            #expect(try Self.decode([Array(bytes[..<split])]) == [], "complete after \(split) bytes")
            #expect(try Self.decode([Array(bytes[..<split]), Array(bytes[split...])]) == [sample.value])
        }
    }

    @Test func readsAllRepliesInARowAtEverySplit() throws {
        let bytes = Self.samples.flatMap { Array($0.wire.utf8) }
        let values = Self.samples.map(\.value)
        #expect(try Self.decode([bytes]) == values)
        #expect(try Self.decode(bytes.map { [$0] }) == values)
        for split in 1..<bytes.count {
            #expect(try Self.decode([Array(bytes[..<split]), Array(bytes[split...])]) == values)
        }
    }

    @Test func readsRepliesLargerThanItsSlices() throws {
        let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var wire = Array("*3\r\n".utf8)
        for count in [10_000, 300_000, 4096] {
            wire += Array("$\(count)\r\n".utf8) + body[..<count] + [13, 10]
        }
        let value = RedisValue.array([10_000, 300_000, 4096].map { .bulk(Array(body[..<$0])) })
        #expect(try Self.decode([wire + wire]) == [value, value])
    }

    @Test(arguments: [
        "OK\r\n", "\r\n", "HTTP/1.1 400 Bad Request\r\n", "+OK\r\n!",
        ":\r\n", ":1.5\r\n", ":99999999999999999999\r\n", ":01\r\n", ": 1\r\n",
        "$x\r\n", "$-2\r\n", "$99999999999999999999\r\n",
        "$3\r\nabcd\r\n", "$3\r\nabc??+OK\r\n", "$3\r\nab\r\n:1\r\n",
        "*x\r\n", "*-2\r\n", "*99999999999999999999\r\n", "*2\r\n:1\r\n?\r\n",
        // RESP3, which was not requested.
        ",1.5\r\n", "#t\r\n", "_\r\n", "%1\r\n+a\r\n:1\r\n", "~1\r\n:1\r\n", ">2\r\n+a\r\n+b\r\n",
        "(123\r\n", "=6\r\ntxt:ab\r\n", "|1\r\n+a\r\n+b\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:9\r\n",
    ]) func refusesGarbage(_ wire: String) throws {
        let bytes = Array(wire.utf8)
        for split in 0..<bytes.count {
            let error = #expect(throws: RedisError.self) {
                try Self.decode([Array(bytes[..<split]), Array(bytes[split...])])
            }
            #expect(error?.code == .protocolViolation)
        }
    }

    @Test func aHugeCountReservesNothing() throws {
        #expect(try Self.decode([Array("*2147483647\r\n:1\r\n".utf8)]) == [])
        #expect(try Self.decode([Array("$9223372036854775807\r\nabc".utf8)]) == [])
    }

    @Test func refusesAReplyOverTheLimit() throws {
        let limit = 10_000
        let fits = Array("$9000\r\n".utf8) + [UInt8](repeating: 1, count: 9000) + [13, 10]
        #expect(try Self.decode([fits, fits, fits], limit: limit).count == 3)
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 4000)
        let endless: [[UInt8]] = [Array("*1000000\r\n$100000000\r\n".utf8), piece, piece, piece]
        #expect(throws: RedisError.self) { try Self.decode(endless, limit: limit) }
        let elements = [UInt8](Array(repeating: Array(":1\r\n".utf8), count: 3000).joined())
        #expect(throws: RedisError.self) { try Self.decode([Array("*1000000\r\n".utf8) + elements], limit: limit) }
    }

    @Test(arguments: ["+", "-", ":", "$", "*"]) func refusesAnEndlessLine(_ type: String) throws {
        let line = Array(type.utf8) + [UInt8](repeating: UInt8(ascii: "\r"), count: 70_000)
        #expect(throws: RedisError.self) { try Self.decode([line]) }
        if type == "+" {
            let long = String(repeating: "a", count: 60_000)
            #expect(try Self.decode([Array("+\(long)\r\n".utf8)]) == [.status(long)])
        }
    }

    @Test func survivesRandomDamage() {
        var random = SeededGenerator(seed: 7)
        let whole = Self.samples.flatMap { Array($0.wire.utf8) }
        var refused = 0
        for _ in 0..<5000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let position = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: position)
                default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: position)
                }
            }
            let split = Int.random(in: 0...bytes.count, using: &random)
            do {
                let values = try Self.decode([Array(bytes[..<split]), Array(bytes[split...])])
                #expect(values.count <= bytes.count)
            } catch {
                #expect((error as? RedisError)?.code == .protocolViolation)
                refused += 1
            }
        }
        #expect(refused > 2000)
    }
}
#endif
