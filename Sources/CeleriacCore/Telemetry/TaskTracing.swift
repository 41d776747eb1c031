import CeleriacWire
package import Tracing

/// Makes the spans of tasks that are sent and run, and takes their context into messages and out of them.
///
/// The dialect says how a span is shown (``SpanForm``). Without a tracer there is no such value, and nothing is done for
/// a message.
package struct TaskTracing: Sendable {
    private let tracer: any Tracer
    private let instrument: any Instrument

    /// Makes spans by a tracer, or by what the process has. It is nil if the process has nothing.
    package init?(_ tracer: (any Tracer)? = nil) {
        if let tracer {
            self.tracer = tracer
            self.instrument = tracer
            return
        }
        let instrument = InstrumentationSystem.instrument
        if instrument is NoOpInstrument { return nil }
        self.tracer = InstrumentationSystem.tracer
        self.instrument = instrument
    }

    /// The context that a message carries; an empty one if it carries none.
    func context(in headers: WireObject) -> ServiceContext {
        var context = ServiceContext.topLevel
        instrument.extract(headers, into: &context, using: HeaderExtractor())
        return context
    }

    /// Adds a context to the headers of a message.
    func inject(_ context: ServiceContext, into headers: inout WireObject) {
        instrument.inject(context, into: &headers, using: HeaderInjector())
    }

    /// Starts a span, which the caller ends.
    func start(_ form: SpanForm, _ kind: SpanKind, in context: ServiceContext) -> any Tracing.Span {
        let span: any Tracing.Span = tracer.startSpan(form.name, context: context, ofKind: kind)
        Self.set(form.attributes, on: span)
        return span
    }

    /// Adds to a span how its run has ended.
    ///
    /// - Parameters:
    ///   - outcome: how it has ended.
    ///   - attributes: the dialect's attributes for that.
    ///   - span: the span.
    ///   - showsTexts: whether the span has the text of an error, and not its type alone.
    func note(_ outcome: Outcome, _ attributes: WireObject, on span: any Tracing.Span, showsTexts: Bool) {
        guard span.isRecording else { return }
        Self.set(attributes, on: span)
        switch outcome {
        case .failure(let failure):
            // A failure describes itself by its type alone.
            span.recordError(failure)
            span.setStatus(SpanStatus(code: .error, message: showsTexts ? failure.text : "\(failure)"))
        case .timedOut(let limit):
            span.setStatus(SpanStatus(code: .error, message: "the task passed its hard time limit of \(limit) s"))
        case .rejected(requeue: false):
            span.setStatus(SpanStatus(code: .error, message: "the task was rejected"))
        case .success, .retry, .expired, .revoked, .unregistered, .replaced, .ignored, .cancelled, .rejected: break
        }
    }

    private static func set(_ attributes: WireObject, on span: any Tracing.Span) {
        guard span.isRecording, !attributes.isEmpty else { return }
        span.updateAttributes { known in
            for (name, value) in attributes { known.set(name, value: SpanAttribute(wire: value)) }
        }
    }
}

extension SpanAttribute {
    /// The attribute for a value; nil for one that no attribute can have.
    fileprivate init?(wire value: WireValue) {
        switch value {
        case .string(let text): self = .string(text)
        case .bool(let flag): self = .bool(flag)
        case .int(let number): self = .int64(number)
        case .double(let number): self = .double(number)
        case .array(let values): self = .stringArray(values.map { $0.stringValue ?? "" })
        case .null, .number, .bytes, .object: return nil
        }
    }
}
