import Glibc
import Synchronization

/// Numbers in a file that the benchmark also maps, in which processes count.
///
/// `@unchecked Sendable`: the memory stays mapped, and only atomic operations touch it.
struct SharedSlots: @unchecked Sendable {
    private let slots: UnsafeMutablePointer<Atomic<UInt64>>
    private let count: Int

    struct Unusable: Error {}

    /// Maps a file.
    ///
    /// - Parameters:
    ///   - path: the file's path.
    ///   - count: how many numbers of 8 bytes are in it.
    /// - Throws: `Unusable` if the file cannot be opened or mapped.
    init(path: String?, count: Int) throws {
        let file = open(path ?? "", O_RDWR)
        guard file >= 0, let memory = mmap(nil, count * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
            memory != MAP_FAILED
        else { throw Unusable() }
        slots = memory.bindMemory(to: Atomic<UInt64>.self, capacity: count)
        self.count = count
    }

    /// Counts one more in a slot. One that is not there counts nothing.
    func increment(_ index: Int = 0) {
        guard index >= 0, index < count else { return }
        slots[index].add(1, ordering: .relaxed)
    }
}
