/// Writes dates and times as ASCII.
struct ISO8601Writer {
    private(set) var output: [UInt8] = []

    init() {
        output.reserveCapacity(32)
    }

    mutating func append(_ text: StaticString) {
        output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ date: LocalDate) {
        append(date.year, digits: 4)
        append("-")
        append(date.month, digits: 2)
        append("-")
        append(date.day, digits: 2)
    }

    mutating func append(_ time: LocalTime) {
        append(time.hour, digits: 2)
        append(":")
        append(time.minute, digits: 2)
        append(":")
        append(time.second, digits: 2)
        if time.microsecond != 0 {
            append(".")
            append(time.microsecond, digits: 6)
        }
    }

    mutating func append(_ local: LocalDateTime) {
        append(local.date)
        append("T")
        append(local.time)
    }

    private mutating func append(_ value: Int, digits: Int) {
        var power = 1
        for _ in 1..<digits { power *= 10 }
        while power > 0 {
            output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / power % 10))
            power /= 10
        }
    }
}
