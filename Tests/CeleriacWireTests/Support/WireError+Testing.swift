import CeleriacWire

/// The error that `body` throws; `nil` when it throws none.
func wireError(_ body: () throws(WireError) -> Void) -> WireError? {
    do {
        try body()
        return nil
    } catch {
        return error
    }
}

/// The wire error that `body` throws; `nil` when it throws none or another error.
func codingError(_ body: () throws -> Void) -> WireError? {
    do {
        try body()
        return nil
    } catch {
        return error as? WireError
    }
}

extension [UInt8] {
    /// The bytes given as hexadecimal digits in `hex`, which may contain spaces.
    init(hex: String) {
        let digits = hex.utf8.filter { $0 != UInt8(ascii: " ") }
        self = stride(from: 0, to: digits.count, by: 2).compactMap { position in
            UInt8(String(decoding: digits[position..<position + 2], as: UTF8.self), radix: 16)
        }
    }
}

extension String {
    var bytes: [UInt8] { Array(utf8) }
}
