import CeleriacCore
import CeleryDialect
import Testing

@testable import Celeriac

/// Settings as files have them that are filled in by a program, where everything is text.
@Suite("Settings as text") struct SettingTextTests {
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
}
