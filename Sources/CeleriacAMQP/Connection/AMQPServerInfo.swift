#if AMQP

public import CeleriacWire

/// What a broker says about itself in `connection.start`.
public struct AMQPServerInfo: Sendable, Hashable {
    /// All properties, for instance `product`, `version`, `platform`, `cluster_name`, `capabilities`.
    public let properties: WireObject

    /// The product, for instance `RabbitMQ`; empty when the broker does not say.
    public var product: String { text("product") }
    /// The product's version, for instance `3.10.8`; empty when the broker does not say.
    public var version: String { text("version") }

    /// The numbers at the start of `version`, for instance `[3, 10, 8]`.
    public var versionNumbers: [Int] {
        var numbers: [Int] = []
        for part in version.split(separator: ".") {
            let digits = part.prefix(while: \.isNumber)
            guard let number = Int(digits) else { break }
            numbers.append(number)
            if digits.count < part.count { break }
        }
        return numbers
    }

    private func text(_ name: String) -> String {
        if case .string(let text)? = properties[name] { text } else { "" }
    }
}

#endif
