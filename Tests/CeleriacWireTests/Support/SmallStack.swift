import Foundation

/// Runs `body` on a thread whose stack is as small as those of Swift's thread pool can be, and waits for it.
func onSmallStack<Result: Sendable>(
    of bytes: Int = 512 * 1024, _ body: @escaping @Sendable () -> Result
) -> Result? {
    // What a sanitizer adds to each frame is on no stack in production, and varies with what ran before.
    let isSanitized = dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil
    let box = Box<Result>()
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
        box.value = body()
        done.signal()
    }
    thread.stackSize = isSanitized ? 8 * bytes : bytes
    thread.start()
    done.wait()
    return box.value
}

/// A value that one thread writes before it signals and another reads after it has waited.
private final class Box<Value>: @unchecked Sendable {
    var value: Value?
}
