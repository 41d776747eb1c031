import Dispatch
import Foundation
import Glibc
import NIOConcurrencyHelpers

/// Picks free TCP ports on the loopback interface.
package enum FreePort {
    private static let given = NIOLockedValueBox<Set<Int>>([])

    /// The ports to choose from, outside the range from which the kernel takes local ports for outgoing connections. A
    /// restarting server could lose such a port to a client, and a client that reconnects to such a port while nothing
    /// listens there can end up connected to itself.
    private static let candidates: Range<Int> = {
        let path = "/proc/sys/net/ipv4/ip_local_port_range"
        let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        let bounds = text.split { $0 == "\t" || $0 == " " || $0 == "\n" }.compactMap { Int($0) }
        guard bounds.count == 2 else { return 15_000..<32_768 }
        let below = 10_000..<max(10_000, bounds[0])
        let above = min(bounds[1] + 1, 65_000)..<65_000
        return below.count >= above.count ? below : above
    }()

    /// A port that is free now and that this process has not picked before.
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

/// Blocking TCP sockets on the loopback interface, to find out whether a server answers.
package enum LoopbackSocket {
    static func make() -> Int32 {
        socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }

    static func withAddress<Result>(
        _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// Connects, sends `request` and reads until `isComplete` holds.
    ///
    /// - Returns: The answer, at most 4 KiB; nil if nobody listens, or if the answer was incomplete when the server
    ///   closed the connection or was silent for two seconds.
    package static func ask(
        port: Int, _ request: [UInt8], until isComplete: @escaping @Sendable ([UInt8]) -> Bool
    ) async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: askBlocking(port: port, request, until: isComplete))
            }
        }
    }

    private static func askBlocking(
        port: Int, _ request: [UInt8], until isComplete: ([UInt8]) -> Bool
    ) -> [UInt8]? {
        let descriptor = make()
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var patience = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        guard withAddress(port, { connect(descriptor, $0, $1) }) == 0,
            send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count
        else { return nil }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 512)
        while answer.count < 4096 {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            answer += buffer[..<count]
            if isComplete(answer) { return answer }
        }
        return nil
    }
}
