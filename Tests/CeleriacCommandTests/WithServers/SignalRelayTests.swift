import CeleriacTestKit
import Glibc
import Testing
import UnixSignals

@testable import CeleriacTool

struct SignalRelayTests {
    @Test func aSignalThatCameWhileTheCommandWasStartedReachesIt() async throws {
        let relay = SignalRelay()
        #expect(!relay.pass(.sigusr1))
        let child = try ChildProcess("/bin/sleep", ["1000"])
        relay.start(child)
        #expect(await child.wait() == .signalled(SIGUSR1))
    }

    @Test func laterSignalsReachTheCommand() async throws {
        let relay = SignalRelay()
        let child = try ChildProcess("/bin/sleep", ["1000"])
        relay.start(child)
        #expect(relay.pass(.sigterm))
        #expect(await child.wait() == .signalled(SIGTERM))
    }
}
