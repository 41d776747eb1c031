#if AMQP

import CeleriacCore
import CeleriacTestKit
import Foundation
import Testing

@testable import CeleriacAMQP

struct AMQPConfigurationTests {
    struct Case: CustomTestStringConvertible {
        let url: String
        var host = "localhost"
        var port = 5672
        var user = "guest"
        var password = "guest"
        var virtualHost = "/"
        var isEncrypted = false
        var testDescription: String { url }
    }

    static let cases = [
        Case(url: "amqp://"),
        Case(url: "amqp:///"),
        Case(url: "amqp:////"),
        Case(url: "pyamqp://guest@localhost//"),
        Case(url: "AMQP://localhost"),
        Case(url: "amqps://broker", host: "broker", port: 5671, isEncrypted: true),
        Case(url: "amqps://broker:5672", host: "broker", isEncrypted: true),
        Case(url: "amqp://u:p@h:1234/v", host: "h", port: 1234, user: "u", password: "p", virtualHost: "v"),
        Case(url: "amqp://u:p@h:1234//v", host: "h", port: 1234, user: "u", password: "p", virtualHost: "/v"),
        Case(url: "amqp://h/%2f", host: "h"),
        Case(url: "amqp://h/a%2Fb%20c", host: "h", virtualHost: "a/b c"),
        Case(url: "amqp://h/a/b", host: "h", virtualHost: "a/b"),
        Case(url: "amqp://h/a+b", host: "h", virtualHost: "a+b"),
        Case(url: "amqp://us%40er:p%3Ass%2Fw%25@h", host: "h", user: "us@er", password: "p:ss/w%"),
        Case(url: "amqp://user:p@ss@h", host: "h", user: "user", password: "p@ss"),
        Case(url: "amqp://user:a:b@h", host: "h", user: "user", password: "a:b"),
        Case(url: "amqp://user@h", host: "h", user: "user"),
        Case(url: "amqp://:secret@h", host: "h", password: "secret"),
        Case(url: "amqp://%C3%A9:%F0%9F%90%87@h", host: "h", user: "é", password: "🐇"),
        Case(url: "amqp://[::1]", host: "::1"),
        Case(url: "amqp://[2001:db8::5]:99/v", host: "2001:db8::5", port: 99, virtualHost: "v"),
        Case(url: "amqp://10.0.0.1:65535", host: "10.0.0.1", port: 65535),
        Case(url: "amqp://h/v#fragment", host: "h", virtualHost: "v"),
        Case(url: "amqp://h/100%", host: "h", virtualHost: "100%"),
        Case(url: "amqp://h?unknown=1", host: "h"),
    ]

    @Test("URLs", arguments: cases)
    func url(expected: Case) throws {
        let configuration = try AMQPConfiguration(url: expected.url)
        #expect(configuration.host == expected.host)
        #expect(configuration.port == expected.port)
        #expect(configuration.user == expected.user)
        #expect(configuration.password == expected.password)
        #expect(configuration.virtualHost == expected.virtualHost)
        #expect((configuration.tls != nil) == expected.isEncrypted)
        #expect(configuration.authentication == .plain)
    }

    @Test(
        "Refused URLs",
        arguments: [
            "", "localhost", "redis://h", "amqp:/h", "http://h", "amqp://h:0", "amqp://h:65536", "amqp://h:abc",
            "amqp://[::1", "amqp://[::1]x", "amqp://h/%ff", "amqp://h?heartbeat=x", "amqp://h?heartbeat=65536",
            "amqp://h?cacertfile=/ca.pem", "amqps://h?verify=maybe", "amqp://h?auth_mechanism=gssapi",
            "amqp://h?channel_max=70000", "amqp://h:-1",
        ])
    func refused(url: String) {
        let error = #expect(throws: AMQPError.self) { try AMQPConfiguration(url: url) }
        #expect(error?.code == .invalidURL)
    }

    @Test("A password may be in the first line of a file, which is read each time")
    func passwordFile() throws {
        let folder = try TemporaryFolder("password")
        let path = folder.path + "/a b"
        let url = "amqp://me@h?password_file=\(path.replacing(" ", with: "%20"))"
        let configuration = try AMQPConfiguration(url: url)
        #expect(configuration.user == "me" && configuration.passwordFile == path)
        let error = #expect(throws: CeleriacError.self) { try configuration.withCurrentPassword() }
        #expect(error?.message.contains(path) == true)
        for password in ["first", "second p@ss"] {
            try Data("\(password)\nmore\n".utf8).write(to: URL(filePath: path))
            #expect(try configuration.withCurrentPassword().password == password)
            #expect(ManagementAddress(of: configuration).password == password)
        }
        #expect(try AMQPConfiguration(url: "amqp://me:own@h").withCurrentPassword().password == "own")
        folder.remove()
    }

    @Test("Parameters")
    func parameters() throws {
        let configuration = try AMQPConfiguration(
            url: "amqps://h/v?cacertfile=%2Fa%20b%2Fca.pem&certfile=/c.pem&keyfile=/k.pem&verify=verify_peer"
                + "&server_name_indication=broker.example&heartbeat=7&connection_timeout=1500&channel_max=9"
                + "&frame_max=8192&auth_mechanism=EXTERNAL")
        #expect(
            configuration.tls
                == AMQPTLS(
                    caFile: "/a b/ca.pem", certificateFile: "/c.pem", keyFile: "/k.pem", serverName: "broker.example"))
        #expect(configuration.heartbeat == .seconds(7))
        #expect(configuration.connectTimeout == .milliseconds(1500))
        #expect(configuration.channelMax == 9)
        #expect(configuration.frameMax == 8192)
        #expect(configuration.authentication == .external)
    }

    @Test(
        "Verification",
        arguments: [
            ("", TLSVerification.full), ("?verify=verify_none", .none), ("?ssl_cert_reqs=CERT_NONE", .none),
            ("?ssl_cert_reqs=required", .full), ("?ssl_check_hostname=false", .noHostname),
            ("?ssl_check_hostname=true", .full), ("?verify=verify_none&ssl_check_hostname=false", .none),
        ])
    func verification(query: String, expected: TLSVerification) throws {
        #expect(try AMQPConfiguration(url: "amqps://h" + query).tls?.verification == expected)
    }

    @Test("Defaults hold where a URL says nothing, and bring TLS to a URL without it")
    func defaults() throws {
        var defaults = AMQPConnectionDefaults()
        #expect(try AMQPConfiguration(url: "amqp://h", defaults: defaults) == AMQPConfiguration(url: "amqp://h"))
        defaults.heartbeat = .seconds(120)
        defaults.connectTimeout = .seconds(4)
        defaults.authentication = .external
        defaults.tls = AMQPTLS(caFile: "/ca.pem", verification: .noHostname)
        let configuration = try AMQPConfiguration(url: "amqp://h", defaults: defaults)
        #expect(configuration.heartbeat == .seconds(120) && configuration.connectTimeout == .seconds(4))
        #expect(configuration.authentication == .external && configuration.tls == defaults.tls)
        #expect(configuration.port == 5671)
        let other = try AMQPConfiguration(
            url: "amqps://h:99?heartbeat=7&connection_timeout=1500&auth_mechanism=plain&cacertfile=/own.pem",
            defaults: defaults)
        #expect(other.heartbeat == .seconds(7) && other.connectTimeout == .milliseconds(1500))
        #expect(other.authentication == .plain && other.port == 99)
        #expect(other.tls == AMQPTLS(caFile: "/own.pem", verification: .noHostname))
    }

    @Test("Credentials are not sent in the clear if the URL requests TLS through kombu's ssl")
    func ssl() throws {
        #expect(throws: AMQPError.self) { try AMQPConfiguration(url: "amqp://u:p@h//?ssl=true") }
        #expect(try AMQPConfiguration(url: "amqps://u:p@h//?ssl=true").tls != nil)
        #expect(try AMQPConfiguration(url: "amqp://u:p@h//?ssl=false").tls == nil)
    }

    @Test("A failover list keeps its order; a bad URL or an empty list is refused")
    func failover() throws {
        let list = try [AMQPConfiguration](urls: ["amqp://a", "amqps://b"])
        #expect(list.map(\.host) == ["a", "b"])
        #expect(throws: AMQPError.self) { try [AMQPConfiguration](urls: ["amqp://a", "nonsense"]) }
        #expect(throws: AMQPError.self) { try [AMQPConfiguration](urls: []) }
    }

    @Test("No description of a configuration or an error shows the password")
    func secrecy() throws {
        let configuration = try AMQPConfiguration(url: "amqp://user:geheim@h/v")
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped] {
            #expect(!text.contains("geheim"))
        }
        #expect("\(configuration)" == "amqp://h:5672/v")
        let error = #expect(throws: AMQPError.self) { try AMQPConfiguration(url: "amqp://user:geheim@h:port") }
        #expect(error.map { "\($0)".contains("geheim") } == false)
    }
}

#endif
