import CZlib

/// The zlib format, by zlib.
enum ZlibCodec {
    static func compress(_ bytes: [UInt8]) throws(WireError) -> [UInt8] {
        guard let count = uLong(exactly: bytes.count) else { throw .outOfMemory }
        var status = Z_OK
        let output = [UInt8](unsafeUninitializedCapacity: Int(compressBound(count))) { output, initialized in
            var written = uLongf(output.count)
            status = bytes.withUnsafeBufferPointer { input in
                compress2(output.baseAddress, &written, input.baseAddress, count, Z_DEFAULT_COMPRESSION)
            }
            initialized = status == Z_OK ? Int(written) : 0
        }
        guard status == Z_OK else { throw .outOfMemory }
        return output
    }

    static func decompress(_ bytes: [UInt8], limits: WireLimits) throws(WireError) -> [UInt8] {
        var stream = z_stream()
        let version = ZLIB_VERSION
        guard inflateInit_(&stream, version, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { throw .outOfMemory }
        defer { inflateEnd(&stream) }
        var output = DecompressedBytes(compressedCount: bytes.count, limits: limits)
        var read = 0
        while true {
            let status = try output.append { room in
                bytes.withUnsafeBufferPointer { input in
                    let piece = UnsafeBufferPointer(rebasing: input[read...].prefix(1 << 30))
                    stream.next_in = UnsafeMutablePointer(mutating: piece.baseAddress)
                    stream.avail_in = uInt(piece.count)
                    stream.next_out = room.baseAddress
                    stream.avail_out = uInt(room.count)
                    let status = inflate(&stream, Z_NO_FLUSH)
                    read += piece.count - Int(stream.avail_in)
                    return (room.count - Int(stream.avail_out), status)
                }
            }
            switch status {
            case Z_STREAM_END:
                guard read == bytes.count else { throw .trailing(at: read) }
                return output.bytes
            case Z_OK:
                continue
            case Z_BUF_ERROR:
                // No progress was possible. There is always room for output, so the input has ended.
                throw .endOfCompressed(at: read)
            case Z_MEM_ERROR:
                throw .outOfMemory
            default:
                throw .corrupt("zlib", at: read)
            }
        }
    }
}
