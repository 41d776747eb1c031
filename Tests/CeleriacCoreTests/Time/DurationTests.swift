import CeleriacCore
import Testing

@Suite("Durations of numbers from outside")
struct DurationTests {
    @Test(
        "are none for what is no time, and a hundred years at most",
        arguments: [
            (1.5, Duration.milliseconds(1500)), (0, .zero), (-1, .zero), (.nan, .zero), (-.infinity, .zero),
            (1e300, .seconds(3_155_760_000)), (.infinity, .seconds(3_155_760_000)),
        ])
    func clamped(seconds: Double, duration: Duration) {
        #expect(Duration(clampedSeconds: seconds) == duration)
    }

    @Test(
        "are lifetimes of whole seconds, rounded up",
        arguments: [
            (Duration.zero, 1), (.milliseconds(1), 1), (.seconds(1), 1), (.milliseconds(1001), 2), (.seconds(-5), 1),
            (.milliseconds(-1), 1), (.seconds(3600), 3600), (.seconds(Int64.max), 3_155_759_999),
        ])
    func lifetime(duration: Duration, seconds: Int) {
        #expect(duration.lifetimeInSeconds == seconds)
    }
}
