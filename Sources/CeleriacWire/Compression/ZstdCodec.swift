#if Compression
import CZstd

/// Zstandard, by libzstd.
enum ZstdCodec {
    static func compress(_ bytes: [UInt8]) throws(WireError) -> [UInt8] {
        var failed = true
        let output = [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { output, initialized in
            let written = bytes.withUnsafeBytes { input in
                ZSTD_compress(output.baseAddress, output.count, input.baseAddress, input.count, 3)
            }
            failed = ZSTD_isError(written) != 0
            initialized = failed ? 0 : written
        }
        guard !failed else { throw .outOfMemory }
        return output
    }

    static func decompress(_ bytes: [UInt8], limits: WireLimits) throws(WireError) -> [UInt8] {
        guard let stream = ZSTD_createDStream() else { throw .outOfMemory }
        defer { ZSTD_freeDStream(stream) }
        var output = DecompressedBytes(compressedCount: bytes.count, limits: limits)
        var read = 0
        // Several frames may follow one another. The hint is 0 at the end of each.
        while true {
            let (hint, progress) = try output.append { room in
                bytes.withUnsafeBytes { input in
                    var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: read)
                    var target = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
                    let hint = ZSTD_decompressStream(stream, &target, &source)
                    let progress = source.pos > read || target.pos > 0
                    read = source.pos
                    return (target.pos, (hint, progress))
                }
            }
            if ZSTD_isError(hint) != 0 {
                throw .corrupt("zstd", at: read)
            }
            if hint == 0, read == bytes.count {
                return output.bytes
            }
            if !progress, read == bytes.count {
                throw .endOfCompressed(at: read)
            }
        }
    }
}
#endif
