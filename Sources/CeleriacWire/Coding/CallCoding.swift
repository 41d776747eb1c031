/// How a dialect writes the arguments of a call and its result, where they carry more than their values.
///
/// Machinery names the Go type of every argument and result; Celery does not, and has no such coding. A value coding that
/// has one gives it as its ``ValueCoding/callCoding``.
public protocol CallCoding: Sendable {
    /// Writes one argument.
    ///
    /// - Throws: an error when the dialect has no form for it.
    func encodeArgument<Value: Encodable>(_ value: Value) throws -> WireValue

    /// Reads one argument.
    ///
    /// - Throws: ``CallError`` with what the caller is told when the argument is not a `Value`.
    func decodeArgument<Value: Decodable>(_ type: Value.Type, from value: WireValue) throws -> Value

    /// Writes a task's results: none for a task that returns nothing, several for ``Results``.
    ///
    /// - Throws: an error when the dialect has no form for them.
    func encodeResults(_ values: [any Encodable]) throws -> WireValue

    /// Takes a task's results apart, each a value that ``decodeResult(_:from:)`` reads.
    ///
    /// - Throws: ``CallError`` when they are not results of this dialect.
    func results(in value: WireValue) throws -> [WireValue]

    /// Reads one result.
    ///
    /// - Throws: ``CallError`` when it is not a `Value`.
    func decodeResult<Value: Decodable>(_ type: Value.Type, from value: WireValue) throws -> Value

    /// What a caller is told whose arguments are too few, or too many.
    func text(of mismatch: CallMismatch) -> String
}

/// How a call does not fit its task.
public enum CallMismatch: Sendable, Hashable {
    /// An argument is missing.
    case tooFewArguments
    /// There are more arguments than parameters.
    case tooManyArguments
}

/// Why a call cannot be made or its result not be read, in the words of the dialect.
public struct CallError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What the caller is told. In Machinery it may quote an argument, as Go does.
    public var text: String

    /// Makes an error.
    public init(_ text: String) { self.text = text }

    /// The name of the error. Its text may hold arguments, which do not belong in logs.
    public var description: String { "CallError" }
}
