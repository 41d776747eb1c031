/// A line that Redis' MONITOR printed: `<time> [<db> <peer>] "COMMAND" "argument" …`.
enum MonitorLine {
    /// The command and its arguments; `nil` if the text is not such a line.
    static func arguments(_ line: String) -> [[UInt8]]? {
        let bytes = Array(line.utf8)
        guard let first = bytes.first, UInt8(ascii: "0")...UInt8(ascii: "9") ~= first,
            let open = bytes.firstIndex(of: UInt8(ascii: "[")),
            bytes[..<open].allSatisfy({ $0 == 0x20 || $0 == 0x2e || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let close = bytes[open...].firstIndex(of: UInt8(ascii: "]"))
        else { return nil }
        var arguments: [[UInt8]] = []
        var index = close + 1
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\"") {
                arguments.append(unquote(bytes, &index))
            }
            index += 1
        }
        return arguments
    }

    /// Reads a quoted argument; `index` goes from its first quotation mark to its last.
    private static func unquote(_ bytes: [UInt8], _ index: inout Int) -> [UInt8] {
        var argument: [UInt8] = []
        index += 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            guard bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count else {
                argument.append(bytes[index])
                index += 1
                continue
            }
            switch bytes[index + 1] {
            case UInt8(ascii: "x"):
                let digits = bytes[(index + 2)...].prefix(2)
                argument.append(UInt8(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0)
                index += 2
            case UInt8(ascii: "n"): argument.append(0x0a)
            case UInt8(ascii: "r"): argument.append(0x0d)
            case UInt8(ascii: "t"): argument.append(0x09)
            case UInt8(ascii: "a"): argument.append(0x07)
            case UInt8(ascii: "b"): argument.append(0x08)
            case let other: argument.append(other)
            }
            index += 2
        }
        return argument
    }
}
