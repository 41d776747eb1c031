import Foundation
import Glibc
import NIOConcurrencyHelpers

/// Picks TCP ports on the loopback interface that nothing uses.
package enum FreePort {
    private static let given = NIOLockedValueBox<Set<Int>>([])

    /// The ports to choose from: none from which the kernel takes the local ports of outgoing connections. A server that
    /// is being restarted could lose such a port to a client, and a client that reconnects to a port of that range while
    /// nothing listens there can end up connected to itself.
    private static let candidates: Range<Int> = {
        let path = "/proc/sys/net/ipv4/ip_local_port_range"
        let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        let bounds = text.split { $0 == "\t" || $0 == " " || $0 == "\n" }.compactMap { Int($0) }
        guard bounds.count == 2 else { return 15_000..<32_768 }
        let below = 10_000..<max(10_000, bounds[0])
        let above = min(bounds[1] + 1, 65_000)..<65_000
        return below.count >= above.count ? below : above
    }()

    /// A port that is free now and that this process has not been given before.
    package static func take() throws(TestKitError) -> Int {
        for _ in 0..<200 {
            guard let port = candidates.randomElement() else { break }
            if isFree(port), given.withLockedValue({ $0.insert(port).inserted }) { return port }
        }
        throw TestKitError(.system, "found no free port on 127.0.0.1 in \(candidates)")
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = LoopbackSocket.make()
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return LoopbackSocket.withAddress(port) { bind(descriptor, $0, $1) } == 0
    }
}
