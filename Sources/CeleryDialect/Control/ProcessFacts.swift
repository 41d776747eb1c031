import CeleriacWire

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What this process and its host tell of themselves.
enum ProcessFacts {
    static var processID: Int32 { getpid() }

    /// The operating system's name, `Linux`.
    static let system: String = {
        #if os(Linux)
        "Linux"
        #else
        "Darwin"
        #endif
    }()

    static let architecture: String = {
        #if arch(x86_64)
        "x86_64"
        #elseif arch(arm64)
        "arm64"
        #else
        "unknown"
        #endif
    }()

    /// The host's load over 1, 5 and 15 minutes, to two places as Python's Celery tells it.
    static var loadAverage: [Double] {
        var load = [0.0, 0.0, 0.0]
        guard getloadavg(&load, 3) == 3 else { return [0, 0, 0] }
        return load.map { ($0 * 100).rounded(.up) / 100 }
    }

    /// Hours west of UTC that this host's time zone is now.
    static var utcOffset: Double {
        var now = time(nil)
        var local = tm()
        guard localtime_r(&now, &local) != nil else { return 0 }
        let east = Double(local.tm_gmtoff)
        return east == 0 ? 0 : -east / 3600
    }

    /// The memory that this process has, in bytes; nil where the system does not tell.
    static var residentMemory: Int? {
        guard let file = fopen("/proc/self/statm", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
        return pages.multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE))).partialValue
    }

    /// A size for people, as Celery writes it: `61.023MB`.
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

    /// What `getrusage` tells, by the names of its fields without `ru_`.
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
