import CeleriacCore
import CoreMetrics
import Metrics
import Testing

@testable import CeleriacCommand

/// The text that Prometheus reads.
@Suite("Metrics as Prometheus reads them") struct PrometheusMetricsTests {
    private let metrics = PrometheusMetrics()

    @Test("is empty before anything counts")
    func empty() {
        #expect(metrics.text().isEmpty)
        #expect(metrics.contentType == "text/plain; version=0.0.4; charset=utf-8")
    }

    @Test("counters and gauges have a line for each set of labels, in order")
    func numbers() {
        let route = CoreMetrics.Counter(
            label: "sent_total", dimensions: [("task", "b"), ("queue", "q")], factory: metrics)
        route.increment(by: 3)
        route.increment(by: -1)
        // The same labels are the same series, whoever asks.
        CoreMetrics.Counter(label: "sent_total", dimensions: [("task", "b"), ("queue", "q")], factory: metrics)
            .increment()
        _ = CoreMetrics.Counter(label: "sent_total", dimensions: [("task", "a"), ("queue", "q")], factory: metrics)
        let share = FloatingPointCounter(label: "share_total", factory: metrics)
        share.increment(by: 0.25)
        share.increment(by: Double.nan)
        let running = Meter(label: "running", dimensions: [("worker", "w@h")], factory: metrics)
        running.set(5)
        running.increment(by: 1.5)
        running.decrement(by: 8)
        Gauge(label: "up", factory: metrics).record(1)
        #expect(
            metrics.text() == """
                # TYPE running gauge
                running{worker="w@h"} -1.5
                # TYPE sent_total counter
                sent_total{task="a",queue="q"} 0
                sent_total{task="b",queue="q"} 4
                # TYPE share_total counter
                share_total 0.25
                # TYPE up gauge
                up 1

                """)
        route.reset()
        #expect(metrics.text().contains("sent_total{task=\"b\",queue=\"q\"} 0\n"))
        route.destroy()
        #expect(!metrics.text().contains("task=\"b\""))
    }

    @Test("timers are histograms of seconds, whose buckets reach from a millisecond to an hour")
    func histograms() {
        let timer = Timer(label: "wait_seconds", dimensions: [("queue", "q")], factory: metrics)
        timer.recordNanoseconds(Int64(-5))
        timer.recordMilliseconds(250)
        timer.recordSeconds(90)
        timer.recordSeconds(7200)
        let zero = ["0.001", "0.005", "0.01", "0.025", "0.05", "0.1"].map { ($0, 1) }
        let short = ["0.25", "0.5", "1", "2.5", "5", "10", "30", "60"].map { ($0, 2) }
        let long = ["120", "300", "600", "1800", "3600"].map { ($0, 3) } + [("+Inf", 4)]
        let buckets = (zero + short + long).map { "wait_seconds_bucket{queue=\"q\",le=\"\($0.0)\"} \($0.1)\n" }
        #expect(
            metrics.text() == "# TYPE wait_seconds histogram\n" + buckets.joined()
                + "wait_seconds_sum{queue=\"q\"} 7290.25\nwait_seconds_count{queue=\"q\"} 4\n")
        let bare = PrometheusMetrics()
        let recorder = Recorder(label: "sizes", factory: bare)
        recorder.record(2)
        recorder.record(Double.infinity)
        #expect(bare.text().hasSuffix("sizes_bucket{le=\"+Inf\"} 1\nsizes_sum 2\nsizes_count 1\n"))
    }

    @Test("no value of a label ends it, and no name is one that Prometheus refuses")
    func escaping() {
        let value = "a\\b\"c\nd\r\ne{},é"
        CoreMetrics.Counter(label: "9 odd-name", dimensions: [("my.label", value), ("", "x")], factory: metrics)
            .increment()
        #expect(
            metrics.text() == "# TYPE _9_odd_name counter\n"
                + "_9_odd_name{my_label=\"a\\\\b\\\"c\\nd\r\\ne{},é\",_=\"x\"} 1\n")
    }

    @Test(
        "numbers are as Go reads them",
        arguments: [
            (0.0, "0"), (-0.5, "-0.5"), (1e15, "1000000000000000"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
            (.nan, "NaN"), (1e300, "1e+300"),
        ] as [(Double, String)])
    func spelling(value: Double, text: String) { #expect(PrometheusText.number(value) == text) }

    @Test("so many sets of labels are told apart, the rest counts together")
    func bound() {
        let metrics = PrometheusMetrics(limit: 2)
        for task in ["a", "b", "c", "d", "a"] {
            CoreMetrics.Counter(label: "n", dimensions: [("task", task)], factory: metrics).increment()
        }
        #expect(metrics.text() == "# TYPE n counter\nn{task=\"a\"} 2\nn{task=\"b\"} 1\nn{task=\"other\"} 2\n")
    }

    @Test("a name has one kind: what comes as another counts, and is not shown")
    func kinds() {
        CoreMetrics.Counter(label: "n", factory: metrics).increment()
        Timer(label: "n", factory: metrics).recordSeconds(1)
        #expect(metrics.text() == "# TYPE n counter\nn 1\n")
    }

    @Test("joins the system that the process has")
    func joining() {
        let other = PrometheusMetrics()
        CoreMetrics.Counter(label: "n", factory: metrics.joining(other)).increment()
        #expect(metrics.text() == other.text() && metrics.text() == "# TYPE n counter\nn 1\n")
        #expect(metrics.joining(NOOPMetricsHandler.instance) is PrometheusMetrics)
    }

    @Test("has all names and labels that the alert rules and the dashboard ask for")
    func monitoring() throws {
        for name in MetricName.allCases {
            let (label, dimensions) = (name.rawValue, name.dimensions.map { ($0, "x") })
            switch name.kind {
            case .counter: CoreMetrics.Counter(label: label, dimensions: dimensions, factory: metrics).increment()
            case .gauge: Meter(label: label, dimensions: dimensions, factory: metrics).set(1)
            case .timer: Timer(label: label, dimensions: dimensions, factory: metrics).recordSeconds(1)
            }
        }
        let text = metrics.text()
        for name in try Monitoring.names() { #expect(text.contains("\n\(name){"), "\(name)") }
    }
}
