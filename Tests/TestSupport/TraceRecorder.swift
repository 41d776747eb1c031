import NIOConcurrencyHelpers
package import Tracing

/// A tracer that keeps its spans.
package final class TraceRecorder: Tracer {
    /// How a context travels.
    package enum Format: Sendable {
        /// As W3C's `traceparent` and `tracestate`.
        case w3c
        /// As Jaeger's `uber-trace-id`.
        case jaeger
    }

    private let format: Format
    private let ended = NIOLockedValueBox<[RecordedSpan]>([])

    package init(_ format: Format = .w3c) { self.format = format }

    /// The spans that have ended, in that order.
    package var spans: [RecordedSpan] { ended.withLockedValue { $0 } }

    /// The spans of a name that have ended.
    package func spans(named name: String) -> [RecordedSpan] { spans.filter { $0.operationName == name } }

    package func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> RecordedSpan {
        let context = context()
        return RecordedSpan(operationName, kind, in: context) { [ended] span in
            ended.withLockedValue { $0.append(span) }
        }
    }

    package func forceFlush() {}

    package func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let identity = context.traceIdentity else { return }
        switch format {
        case .w3c:
            injector.inject(identity.traceparent, forKey: "traceparent", into: &carrier)
            if let state = identity.state { injector.inject(state, forKey: "tracestate", into: &carrier) }
        case .jaeger: injector.inject(identity.uberTraceID, forKey: "uber-trace-id", into: &carrier)
        }
    }

    package func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        switch format {
        case .w3c:
            guard let text = extractor.extract(key: "traceparent", from: carrier) else { return }
            context.traceIdentity = TraceIdentity(
                traceparent: text, state: extractor.extract(key: "tracestate", from: carrier))
        case .jaeger:
            guard let text = extractor.extract(key: "uber-trace-id", from: carrier) else { return }
            context.traceIdentity = TraceIdentity(uberTraceID: text)
        }
    }
}

/// A span's place in its trace.
package struct TraceIdentity: Sendable, Hashable {
    /// The trace's id, 32 hexadecimal digits.
    package let trace: String
    /// The span's id, 16 hexadecimal digits.
    package let span: String
    /// What vendors have added.
    package let state: String?

    /// A new span, in the trace of its parent if it has one.
    init(childOf parent: TraceIdentity?) {
        trace = parent?.trace ?? Self.digits() + Self.digits()
        span = Self.digits()
        state = parent?.state
    }

    /// Reads what a header says; nil if it is no `traceparent`.
    package init?(traceparent: String, state: String? = nil) {
        let parts = traceparent.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, parts[0] == "00", parts[1].count == 32, parts[2].count == 16 else { return nil }
        (trace, span, self.state) = (parts[1], parts[2], state)
    }

    /// Reads what Jaeger's header says, whose ids may be shorter; nil if it is no `uber-trace-id`.
    package init?(uberTraceID: String) {
        let parts = uberTraceID.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, 1...32 ~= parts[0].count, 1...16 ~= parts[1].count else { return nil }
        trace = String(repeating: "0", count: 32 - parts[0].count) + parts[0]
        span = String(repeating: "0", count: 16 - parts[1].count) + parts[1]
        state = nil
    }

    /// What Jaeger's header says: trace, span, parent, which nobody reads any more, and flags. The first half of the trace's id
    /// is left out where it is zero.
    package var uberTraceID: String {
        let none = String(repeating: "0", count: 16)
        return "\(trace.hasPrefix(none) ? String(trace.suffix(16)) : trace):\(span):\(none):1"
    }

    /// What a header says.
    package var traceparent: String { "00-\(trace)-\(span)-01" }

    private static func digits() -> String {
        let digits = String(UInt64.random(in: 1...UInt64.max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension ServiceContext {
    private enum Key: ServiceContextKey {
        typealias Value = TraceIdentity
    }

    /// The place in a trace; nil outside of every trace.
    package var traceIdentity: TraceIdentity? {
        get { self[Key.self] }
        set { self[Key.self] = newValue }
    }
}

/// A span that is kept.
package final class RecordedSpan: Tracing.Span {
    private struct State {
        var operationName: String
        var attributes: SpanAttributes = [:]
        var status: SpanStatus?
        var errors: [String] = []
        var isEnded = false
    }
    package let context: ServiceContext
    package let kind: SpanKind
    /// The span's own place.
    package let identity: TraceIdentity
    /// Its parent's place; nil for a root.
    package let parent: TraceIdentity?
    private let state: NIOLockedValueBox<State>
    private let onEnd: @Sendable (RecordedSpan) -> Void

    init(
        _ operationName: String, _ kind: SpanKind, in context: ServiceContext,
        onEnd: @escaping @Sendable (RecordedSpan) -> Void
    ) {
        let identity = TraceIdentity(childOf: context.traceIdentity)
        var own = context
        own.traceIdentity = identity
        self.parent = context.traceIdentity
        self.identity = identity
        self.context = own
        self.kind = kind
        self.state = NIOLockedValueBox(State(operationName: operationName))
        self.onEnd = onEnd
    }

    package var operationName: String {
        get { state.withLockedValue { $0.operationName } }
        set { state.withLockedValue { $0.operationName = newValue } }
    }

    package var attributes: SpanAttributes {
        get { state.withLockedValue { $0.attributes } }
        set { state.withLockedValue { $0.attributes = newValue } }
    }

    package var isRecording: Bool { state.withLockedValue { !$0.isEnded } }

    /// The status; nil if none was set.
    package var status: SpanStatus? { state.withLockedValue { $0.status } }

    /// The errors that were recorded, as they describe themselves.
    package var errors: [String] { state.withLockedValue { $0.errors } }

    /// An attribute as text; nil if there is none.
    package func text(_ attribute: String) -> String? {
        switch attributes.get(attribute) {
        case .string(let text)?: text
        case .int64(let number)?: "\(number)"
        case .bool(let flag)?: "\(flag)"
        default: nil
        }
    }

    package func setStatus(_ status: SpanStatus) { state.withLockedValue { $0.status = status } }

    package func addEvent(_ event: SpanEvent) {}

    package func addLink(_ link: SpanLink) {}

    package func recordError<Instant: TracerInstant>(
        _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
    ) {
        state.withLockedValue { $0.errors.append("\(error)") }
    }

    package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        let isFirst = state.withLockedValue { state in
            defer { state.isEnded = true }
            return !state.isEnded
        }
        if isFirst { onEnd(self) }
    }
}
