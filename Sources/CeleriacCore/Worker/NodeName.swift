#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Names of workers.
package enum NodeName {
    /// `name@` and this machine's host name.
    package static func current(_ name: String) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "\(name)@localhost" }
        let host = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return "\(name)@\(String(decoding: host, as: UTF8.self))"
    }
}
