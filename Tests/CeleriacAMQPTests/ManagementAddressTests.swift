#if AMQP
import Testing

@testable import CeleriacAMQP

@Suite("The address of the management API") struct ManagementAddressTests {
    private let broker = AMQPConfiguration(host: "mq", user: "me", password: "secret", virtualHost: "v/1")

    @Test("is the broker's, unless a URL says more")
    func address() throws {
        let usual = ManagementAddress(of: broker)
        #expect(usual.description == "http://mq:15672" && usual.user == "me" && usual.password == "secret")
        let encrypted = ManagementAddress(of: AMQPConfiguration(host: "mq", tls: AMQPTLS()))
        #expect(encrypted.description == "https://mq:15671")
        let named = try ManagementAddress(url: "https://you:p%40ss@[::1]:99/mq/", of: broker)
        #expect(named.host == "::1" && named.port == 99 && named.prefix == "/mq" && named.tls != nil)
        #expect(named.user == "you" && named.password == "p@ss")
        let partial = try ManagementAddress(url: "http://other", of: broker)
        #expect(partial.description == "http://other:15672" && partial.user == "me")
        #expect("\(partial)".contains("secret") == false && String(reflecting: partial).contains("secret") == false)
        for wrong in ["mq:15672", "ftp://mq", "http://a,b", "http://mq:0", "http://mq:x", "http://mq?x=1"] {
            let error = #expect(throws: AMQPError.self) { try ManagementAddress(url: wrong, of: broker) }
            #expect(error?.code == .invalidURL)
        }
    }

    @Test("names are escaped in paths")
    func escapes() {
        #expect(ManagementAddress.escaped("/") == "%2F")
        #expect(ManagementAddress.escaped("a-Z_0.~") == "a-Z_0.~")
        #expect(ManagementAddress.escaped("a b/ü?") == "a%20b%2F%C3%BC%3F")
    }
}
#endif
