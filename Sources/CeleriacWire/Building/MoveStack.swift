/// A stack whose top elements can be moved out together, without the reference counting of copies.
///
/// Elements `0..<count` of the storage are always initialized, and no others.
struct MoveStack<Element>: ~Copyable {
    private var storage: UnsafeMutablePointer<Element>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.storage = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    deinit {
        storage.deinitialize(count: count)
        storage.deallocate()
    }

    @inline(__always)
    mutating func push(_ element: consuming Element) {
        if count == capacity { grow() }
        (storage + count).initialize(to: element)
        count &+= 1
    }

    /// The topmost element; `nil` when there is none.
    var top: Element? {
        @inline(__always)
        get { count > 0 ? storage[count &- 1] : nil }
    }

    /// Removes the topmost element.
    @inline(__always)
    mutating func pop() -> Element? {
        guard count > 0 else { return nil }
        count &-= 1
        return (storage + count).move()
    }

    /// Removes the elements from position `start` on. `body` must move every one of them out of the memory it gets.
    @inline(__always)
    mutating func popAll<Result>(
        from start: Int, _ body: (UnsafeMutableBufferPointer<Element>) -> Result
    ) -> Result {
        let start = min(max(start, 0), count)
        let elements = UnsafeMutableBufferPointer(start: storage + start, count: count &- start)
        count = start
        return body(elements)
    }

    /// Removes the elements from position `start` on and returns them.
    @inline(__always)
    mutating func popArray(from start: Int) -> [Element] {
        popAll(from: start) { elements in
            // `init(unsafeUninitializedCapacity:)` looks the array's type up at run time, which takes twice as long.
            var array: [Element] = []
            array.reserveCapacity(elements.count)
            for index in elements.indices {
                array.append(elements.moveElement(from: index))
            }
            return array
        }
    }

    @inline(never)
    private mutating func grow() {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: storage, count: count)
        storage.deallocate()
        storage = larger
        capacity *= 2
    }
}
