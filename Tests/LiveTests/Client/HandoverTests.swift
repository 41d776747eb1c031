#if Redis
import Celeriac
import CeleriacCore
import CeleriacTestKit
import Foundation
import Testing

@Suite("Redis hands over a message", .timeLimit(.minutes(1)))
struct HandoverTests {
    /// A remote command that was sent after a message must find the message claimed, as it does at a Python worker. So
    /// no round trip may come between the handover and the claim.
    @Test("and the worker claims it without waiting until its other connections are unblocked")
    func noRoundTrip() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        // At its end the worker unblocks its connections to claim nothing.
        let ends = Gate()
        let (proxy, proxied) = try await RecordingProxy.start(before: url) { sent in
            if ends.isOpen { return false }
            let text = String(decoding: sent, as: UTF8.self)
            guard let unblock = text.range(of: "UNBLOCK", options: .backwards) else { return false }
            return text.range(of: "EVALSHA", range: unblock.upperBound..<text.endIndex) == nil
        }
        let double = TaskDefinition<Int, Int>("double")
        let app = try CeleryApp(broker: proxied, results: url)
        let worker = app.worker { double.handler { $0 * 2 } }
        let sender = try CeleryApp(broker: url, results: url)
        try await withRunning(worker) {
            for number in 1...3 {
                let result = try await sender.send(double(number))
                #expect(try await result.get(timeout: .seconds(8)) == 2 * number)
            }
            ends.open()
        }
        await sender.close()
        await app.close()
        try await proxy.stop()
    }
}
#endif
