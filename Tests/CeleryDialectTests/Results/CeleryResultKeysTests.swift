import CeleriacWire
import CeleryWire
import Testing

@testable import CeleryDialect

@Suite struct CeleryResultKeysTests {
    private static let id = "11111111-1111-4111-8111-111111111111"

    /// A capture of Celery with the result backend's `global_keyprefix` "rp", which Celery follows with a `_`.
    @Test func aPrefixWithoutAnEndGetsOne() throws {
        let capture = try Capture.named("x.redis.result_prefix_compression")
        let keys = CeleryResultKeys(prefix: "rp")
        let stored = try #require(capture["redis"]?[0])
        #expect(stored["key"] == .string(keys.task(Self.id)))
        // The value there, compressed as a whole, is that task's result.
        let payload = try Base64.decode(try #require(stored["value"]?["base64"]?.stringValue))
        let meta = try CeleryResultMeta.decode(payload)
        #expect(meta.taskID == Self.id && meta.status == "SUCCESS")
    }

    @Test(arguments: ["", "rp_", "rp-", "rp.", "rp:"])
    func onesThatHaveAnEndStayAsTheyAre(_ prefix: String) {
        let keys = CeleryResultKeys(prefix: prefix)
        #expect(keys.task("id") == prefix + "celery-task-meta-id")
        #expect(keys.group("id") == prefix + "celery-taskset-meta-id")
    }

    @Test func aKeyNamesItsTask() {
        let keys = CeleryResultKeys(prefix: "rp")
        #expect(keys.taskID(ofKey: keys.task("id")) == "id")
        #expect(keys.taskID(ofKey: keys.group("id")) == nil)
        #expect(keys.taskID(ofKey: "celery-task-meta-id") == nil)
    }
}
