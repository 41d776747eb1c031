import Celeriac
import CeleriacWire
import Foundation

/// The few Redis commands with which the tests observe tasks: one connection for each command, on a thread that may
/// block.
enum RedisKeys {
    static func push(_ key: String, _ value: WireValue) throws { try send(["RPUSH", key, text(value)]) }

    static func increment(_ key: String) throws { try send(["INCR", key]) }

    private static func text(_ value: WireValue) -> String {
        if let text = value.stringValue { return text }
        // kombu wraps bytes that are text.
        if value["__type__"] == "bytes", let text = value["__value__"]?.stringValue { return text }
        if let number = value.int64Value { return String(number) }
        return String(decoding: (try? WireJSON.encode(value, style: .python)) ?? [], as: UTF8.self)
    }

    private static func send(_ words: [String]) throws {
        let environment = ProcessInfo.processInfo.environment
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard connection >= 0 else { throw TaskFailure("ConnectionError", "no socket") }
        defer { close(connection) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = (UInt16(environment["REDIS_PORT"] ?? "") ?? 6379).bigEndian
        let host = environment["REDIS_HOST"] ?? "127.0.0.1"
        inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &address.sin_addr)
        let connected = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw TaskFailure("ConnectionError", "no Redis") }
        var request = "*\(words.count)\r\n"
        for word in words { request += "$\(word.utf8.count)\r\n\(word)\r\n" }
        let bytes = Array(request.utf8)
        guard write(connection, bytes, bytes.count) == bytes.count else {
            throw TaskFailure("ConnectionError", "Redis hung up")
        }
        var answer = [UInt8](repeating: 0, count: 256)
        guard read(connection, &answer, answer.count) > 0, answer[0] != UInt8(ascii: "-") else {
            throw TaskFailure("ResponseError", String(decoding: answer.prefix { $0 != 13 }, as: UTF8.self))
        }
    }
}
