/// How a dialect writes arguments and results that carry more than their values.
///
/// Machinery names the Go type of every argument and result. Celery does not, so it has no call coding.
package protocol CallCoding: Sendable {
    /// Writes one argument, or throws when the dialect has no form for it.
    func encodeArgument<Value: Encodable>(_ value: Value) throws -> WireValue

    /// Reads one argument, or throws a ``CallError`` for the caller when it is not a `Value`.
    func decodeArgument<Value: Decodable>(_ type: Value.Type, from value: WireValue) throws -> Value

    /// Writes a task's results: none for a task that returns nothing, several for ``MultipleResults``.
    func encodeResults(_ values: [any Encodable]) throws -> WireValue

    /// Splits a task's results into the values that ``decodeResult(_:from:)`` reads, or throws a ``CallError``.
    func results(in value: WireValue) throws -> [WireValue]

    /// Reads one result, or throws a ``CallError`` when it is not a `Value`.
    func decodeResult<Value: Decodable>(_ type: Value.Type, from value: WireValue) throws -> Value

    /// The text of the error that the caller of a task gets for a wrong number of arguments.
    func text(of mismatch: CallMismatch) -> String
}

/// How the arguments of a call do not fit the parameters of its task.
package enum CallMismatch: Sendable, Hashable {
    case tooFewArguments
    case tooManyArguments
}

/// A dialect's own call coding, which only this package can make and use.
///
/// It is a separate type so that the public protocol ``ValueCoding`` can carry one without publishing its methods.
public struct CallForm: Sendable {
    package let coding: any CallCoding

    package init(_ coding: any CallCoding) {
        self.coding = coding
    }
}

extension ValueCoding {
    package var callCoding: (any CallCoding)? { callForm?.coding }
}

/// Why a call cannot be made or its result cannot be read, in the dialect's words.
public struct CallError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The text for the caller. In Machinery it may quote an argument, as Go does.
    public var text: String

    /// Creates an error.
    public init(_ text: String) { self.text = text }

    /// The name of the type only, because the text may quote arguments, which do not belong in logs.
    public var description: String { "CallError" }
}
