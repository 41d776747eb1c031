import CeleriacCore
import CeleriacWire
import FoundationEssentials

@testable import CeleryDialect
@testable import MachineryDialect

/// Files and variables that people write.
let settingsTargets: [FuzzTarget] = [
    FuzzTarget("beat-file") { bytes in
        guard let file = try? BeatFile(bytes) else { return }
        let start = Date(timeIntervalSince1970: 1_700_000_000)
        for entry in file.entries {
            guard let next = entry.schedule.next(after: start) else { continue }
            require(
                next > start || entry.schedule is IntervalSchedule, "a run is not after the last one: \(entry.schedule)"
            )
        }
    },
    FuzzTarget("machinery-yaml") { _ = try? MachineryConfiguration(yaml: $0) },
    FuzzTarget("machinery-environment") { bytes in
        var environment: [String: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { environment[String(parts[0])] = String(parts[1]) }
        }
        _ = try? MachineryConfiguration(environment: environment)
    },
]
