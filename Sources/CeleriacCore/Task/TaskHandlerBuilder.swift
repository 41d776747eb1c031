/// Collects handlers in the body of a worker's declaration.
@resultBuilder
public enum TaskHandlerBuilder {
    /// One handler.
    public static func buildExpression(_ handler: TaskHandler) -> [TaskHandler] { [handler] }
    /// Several handlers, for instance those of a module.
    public static func buildExpression(_ handlers: [TaskHandler]) -> [TaskHandler] { handlers }
    /// All handlers of the body.
    public static func buildBlock(_ handlers: [TaskHandler]...) -> [TaskHandler] { handlers.flatMap { $0 } }
    /// Handlers under an `if` without `else`.
    public static func buildOptional(_ handlers: [TaskHandler]?) -> [TaskHandler] { handlers ?? [] }
    /// Handlers under an `if`.
    public static func buildEither(first handlers: [TaskHandler]) -> [TaskHandler] { handlers }
    /// Handlers under an `else`.
    public static func buildEither(second handlers: [TaskHandler]) -> [TaskHandler] { handlers }
    /// Handlers of a loop.
    public static func buildArray(_ handlers: [[TaskHandler]]) -> [TaskHandler] { handlers.flatMap { $0 } }
}
