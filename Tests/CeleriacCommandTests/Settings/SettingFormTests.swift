import CeleriacCore
import CeleryDialect
import Testing

@testable import Celeriac

/// The forms in which projects write the values of settings.
@Suite("Forms of settings") struct SettingFormTests {
    private func settings(_ yaml: String) throws -> CelerySettings { try CelerySettings(yaml: Array(yaml.utf8)) }

    @Test("numbers, flags and durations may be text, as where variables are filled in")
    func texts() throws {
        for expiry in ["86400", "'86400'", "'86400.0'", "'1 day, 0:00:00'", "24:00:00"] {
            #expect(
                try settings("result_expires: \(expiry)").configuration.resultExpiry == .seconds(86_400), "\(expiry)")
        }
        #expect(try settings("result_expires: '2:00:00'").configuration.resultExpiry == .seconds(7_200))
        for yes in ["true", "'true'", "'True'", "'yes'", "'on'", "'1'", "1"] {
            #expect(try settings("result_extended: \(yes)").configuration.resultExtended, "\(yes)")
        }
        for no in ["false", "'false'", "'no'", "'OFF'", "'0'", "0"] {
            let settings = try settings("result_extended: true\nworker_enable_remote_control: \(no)")
            #expect(!settings.configuration.control.isEnabled, "\(no)")
        }
        #expect(try settings("worker_prefetch_multiplier: '3'").worker.prefetchMultiplier == 3)
        #expect(try settings("task_protocol: '1'").configuration.taskProtocol == 1)
        for yaml in [
            "result_expires: soon", "result_expires: '-5'", "result_expires: 'nan'", "result_extended: maybe",
            "result_extended: 2", "worker_prefetch_multiplier: '1.5'", "task_protocol: '3'",
        ] {
            let name = yaml.prefix { $0 != ":" }
            let error = #expect(throws: CeleriacError.self, "\(yaml)") { try settings(yaml) }
            #expect(error?.message.contains(name) == true, "\(error?.message ?? "")")
        }
    }

    @Test("limits of rates: fractions, and zero for none")
    func rateLimits() throws {
        func limit(_ text: String) throws -> Double? {
            try settings("task_default_rate_limit: \(text)").configuration.taskDefaults.rateLimit?.perSecond
        }
        for half in ["0.5", "'0.5/s'", "30/m"] { #expect(try limit(half) == 0.5, "\(half)") }
        #expect(try limit("5") == 5)
        for none in ["0", "0.0", "'0'", "0/s", "null"] { #expect(try limit(none) == nil, "\(none)") }
        for wrong in ["fast", "-1", "5/d", "[]", "''"] { #expect(throws: CeleriacError.self) { try limit(wrong) } }
        // An annotation cannot take away what the task itself says, so it does not seem to.
        #expect(throws: CeleriacError.self) { try settings("task_annotations: {a: {rate_limit: 0}}") }
    }

    @Test("annotations may be a list, of which the later ones go before")
    func annotations() throws {
        let annotations = try settings(
            """
            task_annotations:
              - {"*": {rate_limit: 1/s}, tasks.a: {time_limit: 5, acks_late: true}}
              - {tasks.a: {time_limit: 6}}
            """
        ).configuration.taskAnnotations
        #expect(annotations["*"] == TaskOptions(rateLimit: RateLimit("1/s")))
        #expect(
            annotations["tasks.a"] == TaskOptions(acknowledgement: .late, timeLimits: TimeLimits(hard: .seconds(6))))
        for yaml in ["task_annotations: [5]", "task_annotations: 5"] {
            #expect(throws: CeleriacError.self, "\(yaml)") { try settings(yaml) }
        }
    }

    @Test("as many handlers as cores")
    func concurrency() throws {
        let automatic = try settings("worker_concurrency: auto").worker.concurrency
        #expect(try settings("worker_concurrency: 0").worker.concurrency == automatic)
        #expect(try settings("worker_concurrency: '3'").worker.concurrency == 3)
        #expect(throws: CeleriacError.self) { try settings("worker_concurrency: -1") }
    }

    @Test("what tasks cannot be sent in is refused before any is sent")
    func forms() throws {
        for (yaml, reason) in [
            ("task_serializer: pickle", "a pickle can run code"), ("task_serializer: raw", "task_serializer"),
            ("task_compression: rar", "task_compression"),
        ] {
            let error = #expect(throws: CeleriacError.self) { try settings(yaml) }
            #expect(error?.code == .configuration && error?.message.contains(reason) == true, "\(error?.message ?? "")")
        }
        #expect(try settings("task_compression: ''").configuration.sendOptions.compression == nil)
    }
}
