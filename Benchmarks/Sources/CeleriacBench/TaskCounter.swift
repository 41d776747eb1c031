import Glibc
import Synchronization

/// Counts the tasks that have run, in the first slot of a file that the benchmark also maps.
///
/// `@unchecked Sendable`: the memory stays mapped, and only atomic operations touch it.
struct TaskCounter: @unchecked Sendable {
    private let slot: UnsafeMutablePointer<Atomic<UInt64>>

    struct Unusable: Error {}

    init(path: String?) throws {
        let file = open(path ?? "", O_RDWR)
        guard file >= 0, let memory = mmap(nil, 65 * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
            memory != MAP_FAILED
        else { throw Unusable() }
        slot = memory.bindMemory(to: Atomic<UInt64>.self, capacity: 1)
    }

    func increment() {
        slot.pointee.add(1, ordering: .relaxed)
    }
}
