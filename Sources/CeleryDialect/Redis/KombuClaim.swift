#if Redis
import CeleriacWire

/// A claim as it is stored in `unacked`: `[envelope, exchange, routing_key]`.
struct KombuClaim {
    /// The envelope as it is stored, whether or not it can be read.
    let payload: [UInt8]
    let exchange: String
    let routingKey: String

    /// Takes a stored claim apart from its end, without reading the envelope; nil if it does not end as a claim does.
    init?(_ stored: [UInt8]) {
        var rest = stored.drop(while: Self.isSpace)
        Self.trimEnd(&rest)
        guard rest.first == UInt8(ascii: "["), rest.last == UInt8(ascii: "]") else { return nil }
        rest = rest.dropFirst().dropLast()
        guard let routingKey = Self.takeText(&rest), let exchange = Self.takeText(&rest), !rest.isEmpty else {
            return nil
        }
        self.payload = Array(rest)
        self.exchange = exchange
        self.routingKey = routingKey
    }

    /// Takes a comma and a JSON text, or null for none, from the end.
    private static func takeText(_ rest: inout ArraySlice<UInt8>) -> String? {
        trimEnd(&rest)
        let text: String
        let null = Array("null".utf8)
        if rest.count > null.count, rest.suffix(null.count).elementsEqual(null) {
            text = ""
            rest = rest.dropLast(null.count)
        } else {
            guard rest.last == UInt8(ascii: "\""), let start = openingQuote(of: rest),
                let value = try? WireJSON.decode(Array(rest[start...])).stringValue
            else { return nil }
            text = value
            rest = rest[..<start]
        }
        trimEnd(&rest)
        guard rest.last == UInt8(ascii: ",") else { return nil }
        rest = rest.dropLast()
        return text
    }

    /// Where the text begins that ends with the last byte: at the next quote without an odd number of backslashes before it.
    private static func openingQuote(of rest: ArraySlice<UInt8>) -> Int? {
        var end = rest.dropLast()
        while let quote = end.lastIndex(of: UInt8(ascii: "\"")) {
            let backslashes = end[..<quote].reversed().prefix { $0 == UInt8(ascii: "\\") }.count
            if backslashes.isMultiple(of: 2) { return quote }
            end = end[..<quote]
        }
        return nil
    }

    private static func trimEnd(_ rest: inout ArraySlice<UInt8>) {
        while let last = rest.last, isSpace(last) { rest.removeLast() }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }
}
#endif
