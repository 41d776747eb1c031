/// The output of a decompression, which grows until it exceeds the limits.
struct DecompressedBytes {
    private(set) var bytes: [UInt8] = []
    private let limit: Int

    /// What any message may grow to, whatever the ratio.
    private static let alwaysAllowed = 16 << 20
    /// The codecs count in 32 bits.
    private static let largestPiece = 1 << 30

    init(compressedCount: Int, limits: WireLimits) {
        let (product, overflow) = compressedCount.multipliedReportingOverflow(by: limits.maximumCompressionRatio)
        let byRatio = max(overflow ? Int.max : product, Self.alwaysAllowed)
        // One byte of room beyond the limit must be left to count.
        self.limit = min(byRatio, limits.maximumDecompressedBytes, Int.max - 1)
        bytes.reserveCapacity(min(compressedCount * 4, limit, Self.alwaysAllowed))
    }

    /// Lets `fill` write the next piece; it gives how many bytes it wrote, at most as many as there is room for, and a
    /// result of its own.
    mutating func append<Result>(
        _ fill: (UnsafeMutableBufferPointer<UInt8>) -> (count: Int, Result)
    ) throws(WireError) -> Result {
        // One byte beyond the limit tells "full" from "too much".
        let room = min(max(bytes.count, 4096), Self.largestPiece, limit - bytes.count + 1)
        var result: Result?
        bytes.append(addingCapacity: room) { output in
            output.withUnsafeMutableBufferPointer { buffer, initialized in
                let (count, value) = fill(buffer)
                initialized = count
                result = value
            }
        }
        guard bytes.count <= limit, let result else {
            throw WireError(
                .decompressedTooLarge,
                "the content of a compressed body exceeds \(limit) bytes, the limit for a body of this size")
        }
        return result
    }
}
