#if Redis
import NIOCore
import Testing

@testable import CeleriacRedis

@Suite struct RedisLoginTests {
    private func commands(_ url: String, name: String? = nil) throws -> [String] {
        var configuration = try RedisConfiguration(url: url)
        configuration.clientName = name
        return RedisLogin.steps(configuration).map { step in
            var buffer = ByteBuffer()
            step.command.write(to: &buffer)
            return String(buffer: buffer).split(separator: "\r\n").dropFirst().enumerated()
                .compactMap { $0.offset % 2 == 1 ? String($0.element) : nil }.joined(separator: " ")
        }
    }

    @Test func sendsOnlyWhatIsNeeded() throws {
        #expect(try commands("redis://h") == ["CLIENT ID"])
        #expect(try commands("redis://:pw@h/3") == ["AUTH pw", "SELECT 3", "CLIENT ID"])
        #expect(try commands("redis://me:pw@h", name: "n") == ["AUTH me pw", "CLIENT SETNAME n", "CLIENT ID"])
    }

    @Test(arguments: [
        ("NOAUTH Authentication required.", RedisLogin.Purpose.identify, RedisError.Code.authenticationFailed),
        ("NOAUTH Authentication required.", .select, .authenticationFailed),
        ("WRONGPASS invalid username-password pair", .authenticate, .authenticationFailed),
        ("ERR AUTH <password> called without any password configured", .authenticate, .authenticationFailed),
        ("ERR DB index is out of range", .select, .server),
        ("LOADING Redis is loading the dataset in memory", .select, .connectFailed),
        ("ERR max number of clients reached", .authenticate, .connectFailed),
        ("DENIED Redis is running in protected mode", .identify, .connectFailed),
    ]) func understandsRefusals(_ line: String, _ purpose: RedisLogin.Purpose, _ code: RedisError.Code) {
        let error = #expect(throws: RedisError.self) {
            try RedisLogin.judge([.error(RedisServerError(line: line))], of: purpose)
        }
        #expect(error?.code == code)
        #expect(error?.serverError != nil)
    }

    @Test func livesWithoutNameAndNumber() throws {
        let refusal = RedisValue.error(RedisServerError(line: "NOPERM this user has no permissions"))
        #expect(try RedisLogin.judge([refusal], of: .setName) == nil)
        #expect(try RedisLogin.judge([refusal], of: .identify) == nil)
        #expect(try RedisLogin.judge([.integer(7)], of: .identify) == 7)
        #expect(try RedisLogin.judge([.status("OK")], of: .select) == nil)
    }
}
#endif
