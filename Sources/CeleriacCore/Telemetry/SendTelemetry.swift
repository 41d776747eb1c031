package import CeleriacWire
package import Metrics
import NIOConcurrencyHelpers
package import Tracing

package import struct FoundationEssentials.Date

/// What a sender tells of the tasks that it sends: spans, a counter, and in the messages trace context and the time.
package struct SendTelemetry: Sendable {
    let tracing: TaskTracing?
    let counters: DimensionedMetric<Counter>?
    let stampsTimes: Bool

    /// Makes it. It is nil if there is nothing to tell.
    ///
    /// - Parameters:
    ///   - tracer: the tracer; nil for what the process has.
    ///   - metrics: the metrics system; nil for the process's.
    ///   - stampsTimes: whether messages say when they were sent.
    package init?(tracer: (any Tracer)?, metrics: (any MetricsFactory)?, stampsTimes: Bool) {
        let metrics = metrics ?? MetricsSystem.factory
        tracing = TaskTracing(tracer)
        counters =
            metrics is NOOPMetricsHandler
            ? nil
            : DimensionedMetric(.sent) {
                Counter(label: MetricName.sent.rawValue, dimensions: $0, factory: metrics)
            }
        self.stampsTimes = stampsTimes
        if tracing == nil, counters == nil, !stampsTimes { return nil }
    }

    /// What goes along with what a caller sends. The caller ends it once the broker has taken the messages.
    func sending() -> Outbound {
        Outbound(self, parent: ServiceContext.current ?? .topLevel, isAwaited: true)
    }

    /// What goes along with what follows a task.
    ///
    /// - Parameters:
    ///   - request: the task.
    ///   - context: the context of its run; nil if it did not run, or nobody knows.
    /// - Returns: what goes along.
    func following(_ request: TaskRequest, in context: ServiceContext?) -> Outbound {
        Outbound(self, parent: context ?? tracing?.context(in: request.headers) ?? .topLevel, isAwaited: false)
    }
}

/// What goes along with messages while a dialect makes them: their trace context and their time, which it adds to their
/// headers, and a span and a count for each.
package final class Outbound: Sendable {
    private struct State {
        var spans: [any Tracing.Span] = []
        var sent: [(task: String, queue: String)] = []
    }
    private let telemetry: SendTelemetry
    private let parent: ServiceContext
    /// Whether spans and counts wait for ``end(_:)``. Otherwise messages are published until a broker has taken them, and
    /// nobody waits.
    private let isAwaited: Bool
    private let state = NIOLockedValueBox(State())

    fileprivate init(_ telemetry: SendTelemetry, parent: ServiceContext, isAwaited: Bool) {
        self.telemetry = telemetry
        self.parent = parent
        self.isAwaited = isAwaited
    }

    /// The headers to add to the message of a task. A dialect asks once for each message that is published, when it
    /// makes it.
    ///
    /// - Parameters:
    ///   - task: the task's name.
    ///   - queue: the queue or the routing key to which it goes.
    ///   - now: the time.
    ///   - form: how a span of it is shown.
    /// - Returns: the headers.
    package func headers(
        of task: String, to queue: String, now: Date, span form: @autoclosure () -> SpanForm
    ) -> WireObject {
        var headers: WireObject = [:]
        if telemetry.stampsTimes { headers[SendTime.header] = SendTime.value(now) }
        var span: (any Tracing.Span)?
        if let tracing = telemetry.tracing {
            let started = tracing.start(form(), .producer, in: parent)
            tracing.inject(started.context, into: &headers)
            span = started
        }
        guard isAwaited else {
            span?.end()
            telemetry.counters?[task, queue].increment()
            return headers
        }
        state.withLockedValue { state in
            if let span { state.spans.append(span) }
            if telemetry.counters != nil { state.sent.append((task, queue)) }
        }
        return headers
    }

    /// Ends the spans of what was sent, and counts it unless sending failed.
    ///
    /// - Parameter error: why it failed; nil if it did not.
    func end(_ error: (any Error)? = nil) {
        let ended = state.withLockedValue { state in
            defer { state = State() }
            return state
        }
        for span in ended.spans {
            if let error {
                span.recordError(error)
                span.setStatus(SpanStatus(code: .error))
            }
            span.end()
        }
        guard error == nil, let counters = telemetry.counters else { return }
        for (task, queue) in ended.sent { counters[task, queue].increment() }
    }
}
