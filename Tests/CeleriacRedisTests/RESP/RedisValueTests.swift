#if Redis
import Testing

@testable import CeleriacRedis

@Suite struct RedisValueTests {
    @Test func conveniencesReadWhatFits() {
        #expect(RedisValue.text("12").int == 12)
        #expect(RedisValue.integer(12).int == 12)
        #expect(RedisValue.text("1.5").int == nil)
        #expect(RedisValue.status("OK").string == "OK")
        #expect(RedisValue.bulk([0xFF]).string == nil)
        #expect(RedisValue.bulk([0xFF]).bytes == [0xFF])
        #expect(RedisValue.status("OK").bytes == Array("OK".utf8))
        #expect(RedisValue.integer(1).string == nil)
        #expect(RedisValue.array([.null]).array == [.null])
        #expect(RedisValue.null.isNull)
        #expect(!RedisValue.bulk([]).isNull)
        #expect(RedisValue.error(.init(code: "ERR", message: "x")).error?.message == "x")
        #expect(RedisValue.null.error == nil)
    }

    @Test func errorsHideQuotedArguments() {
        let error = RedisServerError(line: "ERR unknown command 'FOO', with args beginning with: 'secret' ")
        #expect(!"\(error)".contains("secret"))
        #expect("\(error)".contains("unknown command 'FOO'"))
        #expect(String(reflecting: error).contains("secret"))
        #expect(!"\(RedisError(error))".contains("secret"))
        #expect("\(RedisServerError(line: "WRONGPASS invalid"))" == "WRONGPASS invalid")
    }
}
#endif
