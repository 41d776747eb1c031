import CeleriacWire

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What a worker says about its process and host.
package enum ProcessFacts {
    /// The version that the worker reports with its software's name, `celeriac`.
    package static let version = "0.1.0"

    package static var processID: Int32 { getpid() }

    /// The operating system's name, `Linux`.
    package static let system: String = {
        #if os(Linux)
        "Linux"
        #else
        "Darwin"
        #endif
    }()

    package static let architecture: String = {
        #if arch(x86_64)
        "x86_64"
        #elseif arch(arm64)
        "arm64"
        #else
        "unknown"
        #endif
    }()

    /// The host's load over 1, 5 and 15 minutes, rounded to two places as Celery does.
    static var loadAverage: [Double] {
        var load = [0.0, 0.0, 0.0]
        guard getloadavg(&load, 3) == 3 else { return [0, 0, 0] }
        return load.map { ($0 * 100).rounded(.up) / 100 }
    }

    /// The number of hours by which this host's clock is behind UTC now.
    package static var utcOffset: Double {
        var now = time(nil)
        var local = tm()
        guard localtime_r(&now, &local) != nil else { return 0 }
        let east = Double(local.tm_gmtoff)
        return east == 0 ? 0 : -east / 3600
    }

    /// The process's resident memory in bytes; nil if the system does not say.
    static var residentMemory: Int? {
        guard let file = fopen("/proc/self/statm", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
        return pages.multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE))).partialValue
    }

    /// Formats a size as Celery does for people: `61.023MB`.
    static func text(ofBytes bytes: Int) -> String {
        for (unit, name) in [(1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")] where bytes >= unit {
            // Five significant digits, as Python's format `.5` has them.
            let value = Double(bytes) / Double(unit)
            let digits = value >= 1000 ? 10.0 : value >= 100 ? 100.0 : value >= 10 ? 1000.0 : 10_000.0
            let rounded = (value * digits).rounded() / digits
            return rounded == rounded.rounded() ? "\(Int(rounded))\(name)" : "\(rounded)\(name)"
        }
        return "\(bytes)b"
    }

    /// The fields of `getrusage`, by their names without `ru_`.
    static var resourceUsage: WireValue {
        var usage = rusage()
        #if canImport(Glibc)
        let this = __rusage_who_t(RUSAGE_SELF.rawValue)
        #else
        let this = Int32(RUSAGE_SELF)
        #endif
        guard getrusage(this, &usage) == 0 else { return "N/A" }
        func seconds(_ time: timeval) -> WireValue { .double(Double(time.tv_sec) + Double(time.tv_usec) / 1e6) }
        func count(_ number: Int) -> WireValue { .int(Int64(number)) }
        return [
            "utime": seconds(usage.ru_utime), "stime": seconds(usage.ru_stime), "maxrss": count(usage.ru_maxrss),
            "ixrss": count(usage.ru_ixrss), "idrss": count(usage.ru_idrss), "isrss": count(usage.ru_isrss),
            "minflt": count(usage.ru_minflt), "majflt": count(usage.ru_majflt), "nswap": count(usage.ru_nswap),
            "inblock": count(usage.ru_inblock), "oublock": count(usage.ru_oublock),
            "msgsnd": count(usage.ru_msgsnd), "msgrcv": count(usage.ru_msgrcv),
            "nsignals": count(usage.ru_nsignals), "nvcsw": count(usage.ru_nvcsw), "nivcsw": count(usage.ru_nivcsw),
        ]
    }
}
