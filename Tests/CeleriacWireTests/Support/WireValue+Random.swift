import CeleriacWire
import TestSupport

extension WireValue {
    /// A value of any kind, nested up to `depth` levels. Floats are finite; `bytes` says whether bytes may occur.
    static func random(depth: Int, bytes: Bool, using generator: inout SeededGenerator) -> WireValue {
        switch Int.random(in: 0..<(depth > 0 ? 12 : 8), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2: return .int(Int64.random(in: -200...200, using: &generator))
        case 3: return .int(Int64(bitPattern: generator.next()) >> Int64.random(in: 0...63, using: &generator))
        case 4: return .double(.randomFinite(using: &generator))
        case 5: return .double(Double(Int.random(in: -5000...5000, using: &generator)) / 8)
        case 6: return bytes ? .bytes((0..<5).map { _ in UInt8.random(in: 0...255, using: &generator) }) : .null
        case 7, 8: return .string(.random(using: &generator))
        case 9, 10:
            let count = Int.random(in: 0...5, using: &generator)
            return .array((0..<count).map { _ in random(depth: depth - 1, bytes: bytes, using: &generator) })
        default:
            var object = WireObject()
            for _ in 0..<Int.random(in: 0...40, using: &generator) {
                object[.random(using: &generator)] = random(depth: depth - 1, bytes: bytes, using: &generator)
                if Bool.random(using: &generator) { break }
            }
            return .object(object)
        }
    }
}

extension Double {
    static func randomFinite(using generator: inout SeededGenerator) -> Double {
        while true {
            let value = Double(bitPattern: generator.next())
            if value.isFinite { return value }
        }
    }
}

extension String {
    /// Text of ASCII, characters that need escapes, and characters of two to four bytes, without combining characters.
    static func random(using generator: inout SeededGenerator) -> String {
        let alphabet: [Unicode.Scalar] = [
            "a", "b", "Z", "0", " ", "~", "\"", "\\", "/", "\n", "\t", "\u{0}", "\u{1f}", "\u{7f}", "\u{80}", "é", "ß",
            "€", "\u{2028}", "\u{fffd}", "😀", "𝄞", "\u{10ffff}",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 0...24, using: &generator) {
            text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
        }
        return text
    }
}
