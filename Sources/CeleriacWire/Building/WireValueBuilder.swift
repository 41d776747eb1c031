/// Assembles arrays and objects for the decoders, without recursion, and enforces the limits of tokens and depth.
///
/// Open containers wait on a stack of frames and finished elements on a stack of values; closing a container takes its
/// own elements from that stack.
struct WireValueBuilder: ~Copyable {
    private let limits: WireLimits
    /// How many more values and keys may come.
    private(set) var tokensLeft: Int
    private var values = MoveStack<WireValue>(capacity: 32)
    private var keys = MoveStack<ObjectKey>(capacity: 16)
    private var frames = MoveStack<Frame>(capacity: 8)

    /// A container that has not been closed. It is not private because Swift 6.3.1 crashes on that in debug builds.
    struct Frame {
        /// How many values were on the stack when it was opened.
        var values: Int
        /// How many keys were; -1 for an array.
        var keys: Int
    }

    /// The kinds of container.
    enum Container {
        case array
        case object
    }

    init(limits: WireLimits) {
        self.limits = limits
        self.tokensLeft = limits.maximumTokens
    }

    /// The innermost open container; `nil` when there is none.
    var container: Container? {
        @inline(__always)
        get {
            guard let frame = frames.top else { return nil }
            return frame.keys < 0 ? .array : .object
        }
    }

    /// Counts a value or a key that starts at `offset`.
    @inline(__always)
    mutating func countToken(at offset: Int) throws(WireError) {
        tokensLeft &-= 1
        if tokensLeft < 0 { throw .tooManyTokens(limits, offset: offset) }
    }

    /// Counts several at once. Returns `false` when there are too many.
    mutating func count(tokens: Int) -> Bool {
        guard tokens <= tokensLeft else { return false }
        tokensLeft -= tokens
        return true
    }

    /// Checks that one more container, even an empty one, is within the limit.
    @inline(__always)
    func checkDepth(at offset: Int) throws(WireError) {
        if frames.count >= limits.maximumDepth { throw .tooDeep(limits, offset: offset) }
    }

    @inline(__always)
    mutating func open(_ container: Container) {
        frames.push(Frame(values: values.count, keys: container == .object ? keys.count : -1))
    }

    @inline(__always)
    mutating func add(_ key: ObjectKey) {
        keys.push(key)
    }

    @inline(__always)
    mutating func add(_ value: consuming WireValue) {
        values.push(value)
    }

    /// Closes the innermost container and returns it.
    @inline(__always)
    mutating func close() -> WireValue {
        guard let frame = frames.pop() else { return .null }
        if frame.keys < 0 {
            return .array(values.popArray(from: frame.values))
        }
        return .object(makeObject(frame))
    }

    // MARK: Objects

    /// Objects with more keys than this go straight to hashing; comparing all pairs of summaries would be slower.
    private static let mostComparedKeys = 32

    private mutating func makeObject(_ frame: Frame) -> WireObject {
        let (keys, distinct) = keys.popAll(from: frame.keys) { keys in Self.takeTexts(of: keys) }
        let elements = values.popArray(from: frame.values)
        guard !distinct else {
            return WireObject(uncheckedUniqueKeys: keys, values: elements)
        }
        // Of equal keys the last value wins, in the position of the first, as in Python.
        var object = WireObject(minimumCapacity: keys.count)
        for (key, value) in zip(keys, elements) { object.updateValue(value, forKey: key.text) }
        return object
    }

    /// Moves the keys out of the stack's memory. `distinct` is true only if all of them certainly differ.
    private static func takeTexts(
        of keys: UnsafeMutableBufferPointer<ObjectKey>
    ) -> ([WireKey], distinct: Bool) {
        let distinct = areDistinct(keys)
        var texts: [WireKey] = []
        texts.reserveCapacity(keys.count)
        for index in keys.indices {
            texts.append(WireKey(keys.moveElement(from: index).text))
        }
        return (texts, distinct)
    }

    private static func areDistinct(_ keys: UnsafeMutableBufferPointer<ObjectKey>) -> Bool {
        guard keys.count <= mostComparedKeys else { return false }
        for index in keys.indices {
            let summary = keys[index].summary
            if summary == 0 { return false }
            for earlier in 0..<index where keys[earlier].summary == summary {
                return false
            }
        }
        return true
    }
}

/// A key of an object that is being read, with a summary that distinguishes most keys without comparing text.
struct ObjectKey {
    let text: String
    /// Equal for equal keys. 0 means unknown, which is the case for all keys that are not short ASCII.
    let summary: UInt64

    /// Makes a key from its text and the UTF-8 of that text.
    @inline(__always)
    init(_ text: String, utf8: Span<UInt8>) {
        self.text = text
        self.summary = Self.summary(of: utf8)
    }

    /// Makes a key that is always compared by its text.
    init(_ text: String) {
        self.text = text
        self.summary = 0
    }

    /// The first eight bytes, mixed with the last eight and the length.
    @inline(__always)
    private static func summary(of utf8: Span<UInt8>) -> UInt64 {
        let count = utf8.count
        guard count < 64 else { return 0 }
        var head: UInt64 = 0
        var tail: UInt64 = 0
        if count >= 8 {
            head = utf8.bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self)
            tail = utf8.bytes.unsafeLoadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            var index = 8
            var middle: UInt64 = 0
            while index &+ 8 < count {
                middle |= utf8.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
                index &+= 8
            }
            guard (head | middle | tail) & 0x8080_8080_8080_8080 == 0 else { return 0 }
        } else {
            for index in 0..<count {
                head = head << 8 | UInt64(utf8[index])
            }
            guard head & 0x8080_8080_8080_8080 == 0 else { return 0 }
        }
        // ASCII leaves the high bits of `head` free: the length goes there, plus one so that no summary is 0.
        let length = UInt64(count &+ 1)
        return (head &+ (tail << 9 | tail >> 55)) ^ (length &* 0x9e37_79b9_7f4a_7c15) | 1 << 63
    }
}
