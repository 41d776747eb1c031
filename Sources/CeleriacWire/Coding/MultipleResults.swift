/// Several results of one task, as Machinery's tasks have them. Other dialects carry them as a list.
///
/// ```swift
/// static let divide = TaskDefinition<Int, Int, MultipleResults<Int, Int>>("divide")
/// Tasks.divide.handler { MultipleResults($0 / $1, $0 % $1) }
/// ```
public struct MultipleResults<each Value: Codable & Sendable>: Codable, Sendable {
    /// The results in order.
    public let values: (repeat each Value)

    /// Creates results.
    public init(_ value: repeat each Value) { self.values = (repeat each value) }

    /// Reads a list with as many elements as there are types.
    public init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        let values = (repeat try container.decode((each Value).self))
        self.values = values
    }

    /// Writes the results as a list.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        repeat try container.encode(each values)
    }
}

extension MultipleResults: SeveralResults {
    package var each: [any Encodable] {
        var all: [any Encodable] = []
        repeat all.append(each values)
        return all
    }

    package init?(_ results: [WireValue], coding: any CallCoding) throws {
        var count = 0
        for _ in repeat (each Value).self { count += 1 }
        guard results.count == count else { return nil }
        var rest = results[...]
        let values = (repeat try coding.decodeResult((each Value).self, from: rest.popFirst() ?? .null))
        self.values = values
    }
}

/// A value that stands for several results.
package protocol SeveralResults {
    /// The results one by one.
    var each: [any Encodable] { get }

    /// Reads results; `nil` if there are not as many as there are types.
    init?(_ results: [WireValue], coding: any CallCoding) throws
}
