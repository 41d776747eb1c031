#if Compression
import CBzip2

/// bzip2, by libbz2.
enum Bzip2Codec {
    static func compress(_ bytes: [UInt8]) throws(WireError) -> [UInt8] {
        // libbz2's bound: one percent and 600 bytes more than the input.
        guard let count = UInt32(exactly: bytes.count),
            let bound = UInt32(exactly: bytes.count + bytes.count / 100 + 600)
        else { throw .outOfMemory }
        var status = BZ_OK
        let output = [UInt8](unsafeUninitializedCapacity: Int(bound)) { output, initialized in
            var written = bound
            status = bytes.withUnsafeBytes { input in
                BZ2_bzBuffToBuffCompress(
                    UnsafeMutableRawPointer(output.baseAddress)?.assumingMemoryBound(to: CChar.self), &written,
                    UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: CChar.self)),
                    count, 9, 0, 0)
            }
            initialized = status == BZ_OK ? Int(written) : 0
        }
        guard status == BZ_OK else { throw .outOfMemory }
        return output
    }

    static func decompress(_ bytes: [UInt8], limits: WireLimits) throws(WireError) -> [UInt8] {
        var output = DecompressedBytes(compressedCount: bytes.count, limits: limits)
        var read = 0
        repeat {
            try decompressStream(bytes, &read, &output)
        } while read < bytes.count
        return output.bytes
    }

    /// Reads one stream from `read` on.
    private static func decompressStream(
        _ bytes: [UInt8], _ read: inout Int, _ output: inout DecompressedBytes
    ) throws(WireError) {
        let start = read
        var position = read
        var stream = bz_stream()
        guard BZ2_bzDecompressInit(&stream, 0, 0) == BZ_OK else { throw .outOfMemory }
        defer { BZ2_bzDecompressEnd(&stream) }
        while true {
            let (status, progress) = try output.append { room in
                bytes.withUnsafeBytes { input in
                    let piece = UnsafeRawBufferPointer(rebasing: input[position...].prefix(1 << 30))
                    stream.next_in = UnsafeMutablePointer(
                        mutating: piece.baseAddress?.assumingMemoryBound(to: CChar.self))
                    stream.avail_in = UInt32(piece.count)
                    stream.next_out = UnsafeMutableRawPointer(room.baseAddress)?.assumingMemoryBound(to: CChar.self)
                    stream.avail_out = UInt32(room.count)
                    let status = BZ2_bzDecompress(&stream)
                    let taken = piece.count - Int(stream.avail_in)
                    let written = room.count - Int(stream.avail_out)
                    position += taken
                    return (written, (status, taken > 0 || written > 0))
                }
            }
            switch status {
            case BZ_STREAM_END:
                read = position
                return
            case BZ_OK:
                if !progress { throw .endOfCompressed(at: position) }
            case BZ_MEM_ERROR:
                throw .outOfMemory
            case BZ_DATA_ERROR_MAGIC where start > 0:
                throw .trailing(at: start)
            default:
                throw .corrupt("bzip2", at: position)
            }
        }
    }
}
#endif
