import CeleriacTestKit
import Foundation
import Testing

@Suite struct FreePortTests {
    @Test func givesNoPortTwiceAndNoneOfTheKernels() throws {
        let range = Support.text("/proc/sys/net/ipv4/ip_local_port_range").split { $0.isWhitespace }
        let bounds = range.compactMap { Int($0) }
        try #require(bounds.count == 2)
        let ports = try (0..<100).map { _ in try FreePort.take() }
        #expect(Set(ports).count == 100)
        #expect(ports.allSatisfy { ($0 < bounds[0] || $0 > bounds[1]) && $0 > 1023 })
    }
}
