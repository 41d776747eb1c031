#if AMQP

/// Bytes written by hand according to the AMQP 0-9-1 specification.
enum Bytes {
    static func u8(_ number: Int) -> [UInt8] { [UInt8(truncatingIfNeeded: number)] }
    static func u16(_ number: Int) -> [UInt8] { u8(number >> 8) + u8(number) }
    static func u32(_ number: Int) -> [UInt8] { u16(number >> 16) + u16(number) }
    static func u64(_ number: Int) -> [UInt8] { u32(number >> 32) + u32(number) }
    static func short(_ text: String) -> [UInt8] { u8(text.utf8.count) + Array(text.utf8) }
    static func long(_ text: String) -> [UInt8] { u32(text.utf8.count) + Array(text.utf8) }
    static func table(_ fields: [UInt8]) -> [UInt8] { u32(fields.count) + fields }

    static func frame(_ type: Int, channel: Int, _ payload: [UInt8]) -> [UInt8] {
        u8(type) + u16(channel) + u32(payload.count) + payload + [0xCE]
    }

    static func method(_ classID: Int, _ methodID: Int, channel: Int = 0, _ arguments: [UInt8] = []) -> [UInt8] {
        frame(1, channel: channel, u16(classID) + u16(methodID) + arguments)
    }

    static func header(channel: Int, bodySize: Int, properties: [UInt8] = [0, 0]) -> [UInt8] {
        frame(2, channel: channel, u16(60) + u16(0) + u64(bodySize) + properties)
    }

    static func body(channel: Int, _ bytes: [UInt8]) -> [UInt8] { frame(3, channel: channel, bytes) }

    static func hex(_ text: some StringProtocol) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// Tables nested `depth` deep, in fields named `a`.
    static func nestedTables(_ depth: Int) -> [UInt8] {
        var inner = table([])
        for _ in 1..<depth { inner = table(short("a") + [UInt8(ascii: "F")] + inner) }
        return inner
    }
}

#endif
