import CeleriacWire
import Testing

struct CountTextTests {
    @Test func countsOneAndOthers() {
        #expect([0, 1, 2].map { $0.counting("message") } == ["0 messages", "1 message", "2 messages"])
        #expect([1, 2].map { $0.counting("message was", "messages were") } == ["1 message was", "2 messages were"])
    }
}
