/// Runs `body` and then `close`, whatever came of it.
func closing<Value>(_ close: () async -> Void, _ body: () async throws -> Value) async throws -> Value {
    let result: Result<Value, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    await close()
    return try result.get()
}
