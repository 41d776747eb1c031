/// A value made by the first caller who asks for it; others that ask meanwhile wait for it. A failure reaches all who
/// wait, and the next caller tries again.
actor Once<Value: Sendable> {
    private enum State {
        case none
        case making(waiting: [CheckedContinuation<Value, any Error>])
        case made(Value)
    }

    private var state = State.none

    func value(_ make: @Sendable () async throws -> Value) async throws -> Value {
        switch state {
        case .made(let value): return value
        case .making: return try await withCheckedThrowingContinuation { join($0) }
        case .none: break
        }
        state = .making(waiting: [])
        let result: Result<Value, any Error>
        do { result = .success(try await make()) } catch { result = .failure(error) }
        guard case .making(let waiting) = state else { return try result.get() }
        state = if case .success(let value) = result { .made(value) } else { .none }
        for continuation in waiting { continuation.resume(with: result) }
        return try result.get()
    }

    private func join(_ continuation: CheckedContinuation<Value, any Error>) {
        guard case .making(var waiting) = state else { return }
        waiting.append(continuation)
        state = .making(waiting: waiting)
    }
}
