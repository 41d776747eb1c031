@testable import CeleriacRedis

/// Redis' replies.
let redisTargets: [FuzzTarget] = [
    FuzzTarget("resp") { input in
        let input = Pieces(input)
        let whole = replies([input.whole[...]])
        let parts = replies(input.pieces)
        require(whole == parts, "replies in pieces differ:\n\(whole)\n\(parts)")
    }
]

/// The replies in the bytes, and nil if reading ended with an error. The limit is larger than any input: a
/// reply beyond it is refused or not, depending on how much of it arrives at once.
private func replies(_ pieces: [ArraySlice<UInt8>]) -> [RedisValue?] {
    var replies: [RedisValue?] = []
    guard let decoder = try? RedisReplyDecoder(maximumReplyBytes: 1 << 16) else { return replies }
    do throws(RedisError) {
        for piece in pieces {
            try piece.withUnsafeBytes { bytes in
                Result { () throws(RedisError) in
                    try decoder.decode(bytes) { reply throws(RedisError) in
                        require(depth(reply) <= RedisReplyBuilder.maximumDepth, "a reply is nested too deeply")
                        replies.append(reply)
                    }
                }
            }.get()
        }
    } catch {
        require(error.code == .protocolViolation, "bytes lead to \(error)")
        replies.append(nil)
    }
    return replies
}

private func depth(_ reply: RedisValue) -> Int {
    guard case .array(let elements) = reply else { return 0 }
    return 1 + (elements.map(depth).max() ?? 0)
}
