/// Where a worker answers health checks over HTTP: `GET /live` and `GET /ready`, for Kubernetes, load balancers and people.
///
/// `/live` is 200 while the worker's loop runs, whatever its servers do, and 503 once it has stood still for ten seconds:
/// then the process should be replaced. `/ready` is 200 while the worker takes tasks: it consumes, its broker and its result
/// store answer, and it is not stopping. Otherwise it is 503. The answer takes three seconds at most. Both say why in a JSON
/// object: `{"ready": false, "worker": "celery@web1", "reasons": ["the worker is stopping"]}`.
///
/// Nobody has to log in, so the default is an address that only this machine, or this pod, reaches.
public struct HealthEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// The address to listen at: `127.0.0.1` for this machine alone, `0.0.0.0` or `::` for all networks.
    public var host: String
    /// The port. With 0 the system chooses one, which the worker logs.
    public var port: Int

    /// Makes an endpoint.
    public init(host: String = "127.0.0.1", port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT`, `[IPv6]:PORT` or a port of this machine alone; nil for anything else.
    public init?(_ text: String) {
        let host: Substring
        let port: Substring
        if let colon = text.lastIndex(of: ":") {
            port = text[text.index(after: colon)...]
            let name = text[..<colon]
            if name.hasPrefix("["), name.hasSuffix("]") {
                host = name.dropFirst().dropLast()
            } else {
                // Without brackets nobody knows where an IPv6 address ends.
                guard !name.contains(":") else { return nil }
                host = name
            }
        } else {
            host = "127.0.0.1"
            port = text[...]
        }
        guard !host.isEmpty, port.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let number = UInt16(port)
        else { return nil }
        self.init(host: String(host), port: Int(number))
    }

    /// `HOST:PORT`.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Refuses a port that cannot be.
    func validate() throws(CeleriacError) {
        guard (0...65535).contains(port) else {
            throw CeleriacError(.configuration, "the port for health checks is \(port): it must be 0 to 65535")
        }
    }
}
