import CeleriacCore
import CeleriacWire
import MachineryDialect
import Testing

/// The text that Go gets when something goes wrong in a worker.
@Suite struct MachineryFaultTests {
    private struct Broken: Error {}

    @Test(arguments: [
        (TaskFault.softTimeLimit, "SoftTimeLimitExceeded"),
        (.retriesExhausted(task: "t", id: "1", retries: 3), "Can't retry t[1]: retried 3 times"),
        (.retryWithoutCause(delay: .seconds(180)), "Retry in 180.0s"),
        (.notRegistered(name: "t"), "t"),
        (.badCall("too few"), "too few"),
        (.notEncodable(CeleriacError(.unsupported, "no")), "unsupported: no"),
        (
            .followUpRefused(CeleriacError(.publishFailed, "no")),
            "what follows from the task could not be carried out: publishFailed: no"
        ),
        (.attemptsExhausted(5), "the task was begun 5 times without ending, and its message is parked"),
        (.interrupted, "the worker stopped while the task ran, whose message was acknowledged when it began"),
        (
            .unrunnable(MessageFault(reason: "malformedJSON", detail: "no")),
            "the message cannot be run and is parked: malformedJSON: no"
        ),
        (.thrown(TaskFailure("error", "oops"), task: "t", id: "1"), "oops"),
        (.thrown(Broken(), task: "t", id: "1"), "Broken()"),
    ])
    func texts(_ fault: TaskFault, _ text: String) {
        #expect(MachineryFormats(defaultRoutingKey: "q").failure(for: fault).arguments == [.string(text)])
    }
}
