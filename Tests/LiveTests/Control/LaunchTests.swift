#if Redis
import Celeriac
import CeleriacTestKit
import Foundation
import Testing

/// Tests a program whose worker runs through `launch()`, without its own service group.
@Suite("Launched workers") struct LaunchTests {
    @Test("End with status 0 on SIGTERM and SIGINT", .timeLimit(.minutes(5)), arguments: [SIGTERM, SIGINT])
    func signals(_ signal: Int32) async throws {
        let site = try await BrokerSite(.redis)
        let worker = try await LiveWorkerProcess.start(on: site)
        worker.child.signal(signal)
        #expect(await worker.child.wait() == .exited(0), "\(worker.logged)")
        await site.close()
    }

    @Test("End with status 0 when remote control shuts them down", .timeLimit(.minutes(5)))
    func remoteShutdown() async throws {
        let site = try await BrokerSite(.redis)
        let driver = try await site.python.startDriver()
        let worker = try await LiveWorkerProcess.start(on: site)
        // Its mailbox may open a little later than its queues.
        _ = try await driver.ping(timeout: .seconds(60))
        _ = try await driver.ask("control", ["command": "shutdown", "reply": false])
        #expect(await worker.child.wait() == .exited(0), "\(worker.logged)")
        await driver.stop()
        await site.close()
    }
}
#endif
