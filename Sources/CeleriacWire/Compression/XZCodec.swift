#if Compression
import CLzma

/// The .xz container, by liblzma.
enum XZCodec {
    /// The most memory that a decoder may allocate: twice what the highest level of xz needs. A header can ask for 4
    /// GiB.
    private static let mostMemory: UInt64 = 128 << 20

    static func compress(_ bytes: [UInt8]) throws(WireError) -> [UInt8] {
        var status = LZMA_OK
        let output = [UInt8](unsafeUninitializedCapacity: lzma_stream_buffer_bound(bytes.count)) {
            output, initialized in
            var written = 0
            status = bytes.withUnsafeBufferPointer { input in
                lzma_easy_buffer_encode(
                    6, LZMA_CHECK_CRC64, nil, input.baseAddress, input.count, output.baseAddress, &written,
                    output.count)
            }
            initialized = status == LZMA_OK ? written : 0
        }
        guard status == LZMA_OK else { throw .outOfMemory }
        return output
    }

    static func decompress(_ bytes: [UInt8], limits: WireLimits) throws(WireError) -> [UInt8] {
        var stream = lzma_stream()
        guard lzma_stream_decoder(&stream, mostMemory, celeriac_lzma_concatenated()) == LZMA_OK else {
            throw .outOfMemory
        }
        defer { lzma_end(&stream) }
        var output = DecompressedBytes(compressedCount: bytes.count, limits: limits)
        var read = 0
        while true {
            let status = try output.append { room in
                bytes.withUnsafeBufferPointer { input in
                    let piece = UnsafeBufferPointer(rebasing: input[read...])
                    stream.next_in = piece.baseAddress
                    stream.avail_in = piece.count
                    stream.next_out = room.baseAddress
                    stream.avail_out = room.count
                    let status = lzma_code(&stream, LZMA_FINISH)
                    read += piece.count - stream.avail_in
                    return (room.count - stream.avail_out, status)
                }
            }
            switch status {
            case LZMA_STREAM_END:
                return output.bytes
            case LZMA_OK:
                continue
            case LZMA_BUF_ERROR:
                throw .endOfCompressed(at: read)
            case LZMA_MEM_ERROR:
                throw .outOfMemory
            case LZMA_MEMLIMIT_ERROR:
                throw WireError(.decompressedTooLarge, "an xz body asks for more memory than any level of xz needs")
            default:
                throw .corrupt("xz", at: read)
            }
        }
    }
}
#endif
