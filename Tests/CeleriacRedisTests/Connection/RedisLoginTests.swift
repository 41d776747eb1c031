#if Redis
import CeleriacCore
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
        #expect(try commands("redis://h") == ["HELLO 2"])
        #expect(try commands("redis://:pw@h/3") == ["AUTH pw", "HELLO 2", "SELECT 3"])
        #expect(try commands("redis://me:pw@h", name: "n") == ["AUTH me pw", "HELLO 2", "CLIENT SETNAME n"])
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
            try RedisLogin.judge([.error(RedisServerError(line: line))], of: purpose, at: RedisConfiguration())
        }
        #expect(error?.code == code)
        #expect(error?.serverError != nil)
    }

    @Test(
        "A refusal concerns all that a user may ask, or only what was asked",
        arguments: [
            ("NOAUTH Authentication required.", true),
            ("NOPERM this user has no permissions to run the 'set' command or its subcommand", true),
            ("NOPERM ACL failure in script: User app has no permissions to run the 'set' command", true),
            ("ERR Error running script: The user executing the script can't run this command or subcommand", true),
            ("NOPERM No permissions to access a key", false),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", false),
            ("ERR string exceeds maximum allowed size", false),
        ]) func tellsWhole(_ line: String, _ isOfAll: Bool)
    {
        let refusal = RedisServerError(line: line)
        #expect(refusal.isRefusalOfAll == isOfAll && RedisError(refusal).isRefusalOfAll == isOfAll)
    }

    @Test("A database that the server does not have is named, and keeps from everything") func namesDatabase() {
        let error = #expect(throws: RedisError.self) {
            try RedisLogin.judge(
                [.error(RedisServerError(line: "ERR DB index is out of range"))], of: .select,
                at: try RedisConfiguration(url: "redis://h/99"))
        }
        #expect(error?.isRefusalOfAll == true && error?.message.contains("database 99") == true)
    }

    /// What a server says of itself.
    private func hello(_ mode: String, role: String = "master") -> RedisValue {
        .array([.text("id"), .integer(7), .text("mode"), .text(mode), .text("role"), .text(role)])
    }

    private func judge(
        _ reply: RedisValue, _ purpose: RedisLogin.Purpose = .identify, at configuration: RedisConfiguration = .init()
    ) throws -> RedisLogin.Identity? {
        try RedisLogin.judge([reply], of: purpose, at: configuration)
    }

    @Test func livesWithoutNameAndNumber() throws {
        let refusal = RedisValue.error(RedisServerError(line: "NOPERM this user has no permissions"))
        #expect(try judge(refusal, .setName) == nil)
        #expect(try judge(refusal) == nil)
        #expect(try judge(hello("standalone")) == RedisLogin.Identity(clientID: 7, isCluster: false))
        #expect(try judge(hello("cluster")) == RedisLogin.Identity(clientID: 7, isCluster: true))
        #expect(try judge(.status("OK"), .select) == nil)
    }

    @Test func refusesAServerThatTheSettingsDoNotFit() throws {
        var configuration = try RedisConfiguration(url: "redis://:secret@h:7000/3")
        for (rule, mode, part) in [
            (RedisClusterRule.allowed, "cluster", "leave out the number 3"),
            (.refused("set a prefix"), "cluster", "set a prefix"),
            (.required("set a flag"), "standalone", "set a flag"),
        ] {
            configuration.clusterRule = rule
            let error = #expect(throws: RedisError.self) { try judge(hello(mode), at: configuration) }
            #expect(error?.code == .unsuitableServer && error?.isOutOfReach == false)
            #expect(error?.failureCode(otherwise: .unavailable) == .configuration)
            #expect(error?.message.contains(part) == true && error?.message.contains("h:7000") == true)
            #expect(error?.message.contains("secret") == false)
        }
        configuration.clusterRule = .refused("")
        #expect(try judge(hello("standalone"), at: configuration)?.isCluster == false)
        configuration.clusterRule = .required("")
        configuration.database = 0
        #expect(try judge(hello("cluster"), at: configuration)?.isCluster == true)
        // One that does not say what it is may be anything.
        #expect(try judge(.array([]), at: configuration)?.isCluster == false)
    }
}
#endif
