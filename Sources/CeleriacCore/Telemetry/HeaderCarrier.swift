import CeleriacWire
import Tracing

/// Puts a tracer's values into the headers of a message, each under the tracer's own name: with W3C's format
/// `traceparent` and `tracestate`, where Python's OpenTelemetry has them.
struct HeaderInjector: Injector {
    func inject(_ value: String, forKey key: String, into headers: inout WireObject) {
        headers[key] = .string(value)
    }
}

/// Reads a tracer's values from the headers of a message.
struct HeaderExtractor: Extractor {
    func extract(key: String, from headers: WireObject) -> String? { headers[key]?.stringValue }
}
