import Foundation
import Glibc

/// Times as logs show them.
enum LogTime {
    /// A date and time by this machine's clock, to the second.
    static func text(of time: Date) -> String {
        var seconds = time_t(time.timeIntervalSince1970.rounded(.down))
        var local = tm()
        localtime_r(&seconds, &local)
        var buffer = [CChar](repeating: 0, count: 32)
        strftime(&buffer, buffer.count, "%Y-%m-%d %H:%M:%S", &local)
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// A date and time in UTC, to the millisecond, as RFC 3339 has it.
    static func utc(_ time: Date) -> String {
        time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// A date and time by this machine's clock, to the millisecond, as Python's logs have it.
    static func precise(_ time: Date) -> String {
        let seconds = time.timeIntervalSince1970
        let thousandths = Int((seconds - seconds.rounded(.down)) * 1000)
        return "\(text(of: time)),\(String(thousandths + 1000).suffix(3))"
    }
}
