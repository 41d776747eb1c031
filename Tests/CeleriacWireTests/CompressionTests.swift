import CeleriacWire
import TestSupport
import Testing

struct CompressionTests {
    static let available = CompressionMethod.allCases.filter(\.isAvailable)

    /// `b"hello hello hello hello"` as Python's `zlib`, `bz2` and `lzma` compress it by default, and as `zstd -3` does.
    static let fromPeers: [(CompressionMethod, String)] = [
        (.zlib, "789ccb48cdc9c957c8402701680308b1"),
        (.bzip2, "425a683931415926535902f8b0bd000003910040000244a00030cd00548696719b38a3c5dc914e142400be2c2f40"),
        (
            .xz,
            "fd377a585a000004e6d6b4460200210116000000742fe5a3e00016000b5d00341949ee8de9560ab5e00000008943dbea0334e4d000012717898290791fb6f37d010000000004595a"
        ),
        (.zstd, "28b52ffd04586500003068656c6c6f200100994b11175eae0d"),
    ]

    @Test func zlibIsAlwaysThere() {
        #expect(CompressionMethod.zlib.isAvailable)
        #if Compression
        #expect(Self.available == CompressionMethod.allCases)
        #else
        #expect(Self.available == [.zlib])
        #endif
    }

    @Test(arguments: fromPeers) func readsWhatPeersWrite(method: CompressionMethod, hex: String) throws {
        let bytes = [UInt8](hex: hex)
        guard method.isAvailable else {
            let reading = wireError { () throws(WireError) in _ = try method.decompress(bytes) }
            #expect(reading?.code == .codecUnavailable)
            #expect(reading?.message.contains(method.rawValue) == true)
            let writing = wireError { () throws(WireError) in _ = try method.compress(bytes) }
            #expect(writing?.code == .codecUnavailable)
            return
        }
        #expect(try method.decompress(bytes) == "hello hello hello hello".bytes)
    }

    @Test func zlibWritesWhatPythonWrites() throws {
        let bytes = try CompressionMethod.zlib.compress("hello hello hello hello".bytes)
        #expect(bytes == [UInt8](hex: Self.fromPeers[0].1))
    }

    @Test(arguments: available) func roundTrips(method: CompressionMethod) throws {
        var generator = SeededGenerator(seed: 6)
        for count in [0, 1, 2, 100, 4095, 4096, 4097, 100_000, 3_000_000] {
            let random = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let regular = (0..<count).map { UInt8(truncatingIfNeeded: $0 % 251) }
            for bytes in [random, regular] {
                #expect(try method.decompress(try method.compress(bytes)) == bytes)
            }
        }
    }

    @Test(arguments: available) func refusesEveryPrefix(method: CompressionMethod) throws {
        let whole = try method.compress((0..<2000).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) })
        for count in 0..<whole.count {
            let error = wireError { () throws(WireError) in _ = try method.decompress(Array(whole[..<count])) }
            #expect(error?.code == .truncated, "\(count) of \(whole.count)")
        }
    }

    @Test(arguments: available) func survivesDamage(method: CompressionMethod) throws {
        let content = (0..<2000).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }
        let whole = try method.compress(content)
        var generator = SeededGenerator(seed: 7)
        var refused = 0
        var codes: Set<WireError.Code> = []
        for _ in 0..<500 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: 0..<damaged.count, using: &generator)
                damaged[index] ^= UInt8.random(in: 1...255, using: &generator)
            }
            let error = wireError { () throws(WireError) in _ = try method.decompress(damaged) }
            if let error {
                refused += 1
                codes.insert(error.code)
            }
        }
        #expect(
            codes.isSubset(of: [.corruptCompression, .truncated, .trailingBytes, .decompressedTooLarge]), "\(codes)")
        #expect(codes.contains(.corruptCompression))
        // zstd has no checksum by default; the others detect almost all damage.
        #expect(refused > (method == .zstd ? 50 : 400))
        let noise = wireError { () throws(WireError) in _ = try method.decompress("this is not compressed".bytes) }
        #expect(noise?.code == .corruptCompression)
    }

    @Test(arguments: available) func refusesWhatFollows(method: CompressionMethod) throws {
        let whole = try method.compress("hello".bytes)
        for tail in ["x", "xx", "trailing garbage that is longer than any header"] {
            let error = wireError { () throws(WireError) in _ = try method.decompress(whole + tail.bytes) }
            #expect(error?.code == .trailingBytes || error?.code == .corruptCompression || error?.code == .truncated)
        }
        // A second stream belongs to the content, except in zlib, which has only one stream.
        let two = whole + (try method.compress(" world".bytes))
        if method == .zlib {
            let error = wireError { () throws(WireError) in _ = try method.decompress(two) }
            #expect(error?.code == .trailingBytes)
            #expect(error?.offset == whole.count)
        } else {
            #expect(try method.decompress(two) == "hello world".bytes)
        }
    }

    @Test(arguments: available) func stopsBombs(method: CompressionMethod) throws {
        let zeros = [UInt8](repeating: 0, count: 40 << 20)
        let bomb = try method.compress(zeros)
        #expect(bomb.count < 50_000)
        let bySize = wireError { () throws(WireError) in
            _ = try method.decompress(bomb, limits: WireLimits(maximumDecompressedBytes: 1 << 20))
        }
        #expect(bySize?.code == .decompressedTooLarge)
        let byRatio = wireError { () throws(WireError) in
            _ = try method.decompress(bomb, limits: WireLimits(maximumCompressionRatio: 100))
        }
        #expect(byRatio?.code == .decompressedTooLarge)
        let bare = WireLimits(maximumCompressionRatio: .max)
        #expect(try method.decompress(bomb, limits: bare).count == zeros.count)
        let large = wireError { () throws(WireError) in
            _ = try method.decompress(bomb, limits: WireLimits(maximumMessageBytes: bomb.count - 1))
        }
        #expect(large?.code == .tooLarge)
    }

    @Test(arguments: available) func limitIsExact(method: CompressionMethod) throws {
        let bytes = try method.compress([UInt8](repeating: 7, count: 10_000))
        #expect(try method.decompress(bytes, limits: WireLimits(maximumDecompressedBytes: 10_000)).count == 10_000)
        let error = wireError { () throws(WireError) in
            _ = try method.decompress(bytes, limits: WireLimits(maximumDecompressedBytes: 9_999))
        }
        #expect(error?.code == .decompressedTooLarge)
    }
}
