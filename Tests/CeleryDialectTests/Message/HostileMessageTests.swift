import CeleriacTestKit
import CeleryWire
import TestSupport
import Testing

/// Messages that make a Python worker exit or hang, or that it loses. Celeriac refuses each by name.
@Suite struct HostileMessageTests {
    @Test(arguments: HostileMessage.all.indices)
    func isRefusedByName(_ index: Int) {
        let hostile = HostileMessage.all[index]
        do {
            _ = try CeleryTaskMessage.decode(KombuEnvelope.decode(hostile.bytes).message)
            Issue.record("\(hostile.name) was accepted")
        } catch {
            #expect("\(error.code)" == hostile.reason, "\(hostile.name)")
            #expect(error.field == hostile.field, "\(hostile.name)")
        }
    }

    @Test func thereAreFifteen() {
        #expect(HostileMessage.all.count == 15)
    }
}
