#if Redis

/// Puts the parts that hiredis reports, one by one, together to a ``RedisValue``.
///
/// Arrays under construction stand on a stack of their own, so nothing recurses; a count from the wire reserves no
/// memory that the elements behind it do not fill.
final class RedisReplyBuilder {
    /// The deepest nesting of arrays: what hiredis 0.14 reads. Newer versions read more, which no command needs.
    static let maximumDepth = 8

    private struct OpenArray {
        var remaining: Int
        var elements: [RedisValue]
    }

    private var open: [OpenArray] = []
    private var finished: RedisValue?
    /// Why the last part was refused.
    private(set) var refusal: String?

    /// Takes the finished reply out of the builder.
    func takeReply() -> RedisValue? {
        finished.take()
    }

    /// Adds a value that is complete, and closes the arrays that it completes.
    func add(_ value: RedisValue) {
        var value = value
        while let top = open.indices.last {
            open[top].elements.append(value)
            open[top].remaining -= 1
            guard open[top].remaining == 0 else { return }
            value = .array(open.removeLast().elements)
        }
        finished = value
    }

    /// Opens an array of `count` elements. Returns `false` where it is nested too deeply.
    func openArray(count: Int) -> Bool {
        guard open.count < Self.maximumDepth else {
            refuse("Arrays are nested deeper than \(Self.maximumDepth) levels.")
            return false
        }
        if count > 0 {
            var elements: [RedisValue] = []
            elements.reserveCapacity(min(count, 64))
            open.append(OpenArray(remaining: count, elements: elements))
        } else {
            add(.array([]))
        }
        return true
    }

    /// Notes why a part is refused.
    func refuse(_ reason: String) {
        refusal = reason
    }
}
#endif
