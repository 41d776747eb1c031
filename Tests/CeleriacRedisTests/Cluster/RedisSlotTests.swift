#if Redis
import Testing

@testable import CeleriacRedis

/// The slots of keys, as `CLUSTER KEYSLOT` tells them.
@Suite struct RedisSlotTests {
    @Test(arguments: [
        ("", 0), ("123456789", 0x31C3), ("foo", 12_182), ("somekey", 11_058), ("celery", 3213), ("kö", 12_160),
        ("machinery_tasks", 5946), ("delayed_tasks", 16_048),
        // What stands in the first braces counts, if that is not nothing.
        ("{user1000}.following", 3443), ("user1000", 3443), ("foo{bar}{zap}", 5061), ("bar", 5061),
        ("foo{{bar}}zap", 4015), ("{bar", 4015), ("foo{}{bar}", 8363), ("a}b", 7866), ("{}x", 10_595),
        ("{celery}unacked", 3213), ("{machinery_tasks}.celeriac.claims", 5946),
    ]) func areThoseOfTheSpecification(_ key: String, _ number: Int) {
        #expect(RedisSlot(ofKey: key).number == number)
        #expect(RedisSlot(ofKey: Array(key.utf8)[...]).number == number)
    }

    @Test func haveNumbersBelow16384() {
        #expect(RedisSlot(number: 16_383)?.number == 16_383)
        #expect(RedisSlot(number: 16_384) == nil && RedisSlot(number: -1) == nil)
    }

    @Test func areOneForAPrefixWithATag() {
        for prefix in ["{celery}", "app{x}:", "{{a}"] { #expect(RedisSlot.isOne(ofKeysBeginningWith: prefix)) }
        for prefix in ["", "celery:", "{", "{}", "a}{", "{celery", "{}{celery}"] {
            #expect(!RedisSlot.isOne(ofKeysBeginningWith: prefix), "\(prefix)")
        }
    }
}
#endif
