import ArgumentParser
import Celeriac
import CeleriacWire
import CeleryDialect
import CeleryWire
import Glibc

/// `celeriac report`: describes this software and its settings for a bug report, in the form of Celery's.
///
/// It differs from Celery's where there is no Python: it names this software and its build, and where settings come from.
/// Only settings that are set are listed, as Celery does, and URLs show a mask only where there is a password.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Describe this software, its platform and its settings, for a bug report.",
        discussion: """
            No server is asked. Secrets are masked, but look at it before you publish it. inspect report has workers do the \
            same.
            """)

    @OptionGroup var settings: SettingsOptions
    @OptionGroup var printing: OutputOptions

    func validate() throws { _ = try settings.layers() }

    func run() throws {
        let listing = SettingsListing(
            over: ProgramContext.current.settings, layers: try settings.layers(), isStrict: settings.strict)
        let report = SoftwareReport(listing: listing, kernel: Self.kernel)
        printing.output.show(report.object) { report.lines.map(\.printable) }
    }

    /// The release of the operating system's kernel.
    private static var kernel: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "unknown" }
        return withUnsafeBytes(of: &names.release) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}

/// What a bug report says.
struct SoftwareReport {
    let listing: SettingsListing
    let kernel: String

    private var parts: [(label: String, facts: [(name: String, value: String)])] {
        [
            (
                "software",
                [
                    ("celeriac", CommandVersion.number), ("celery", "\(CommandVersion.celery) (protocol)"),
                    ("traits", CommandVersion.traits.joined(separator: ",")),
                ]
            ),
            (
                "platform",
                [
                    ("system", ProcessFacts.system), ("arch", ProcessFacts.architecture),
                    ("kernel version", kernel), ("imp", "Swift"),
                ]
            ),
            ("loader  ", [("settings", places)]),
            ("settings", [("transport", transport), ("results", results)]),
        ]
    }

    private var places: String {
        var seen: Set<String> = []
        let places = listing.rows.map(\.place).filter { seen.insert($0).inserted }
        return places.isEmpty ? "none" : places.joined(separator: ", ")
    }

    private func value(of name: String) -> String? { listing.rows.first { $0.name == name }?.value.stringValue }

    private var transport: String {
        guard let url = value(of: "broker_url"), let end = url.firstIndex(of: ":") else { return "none" }
        return String(url[..<end])
    }

    private var results: String { value(of: "result_backend") ?? "disabled" }

    /// The report for a person.
    var lines: [String] {
        [""]
            + parts.map { label, facts in
                "\(label) -> " + facts.map { "\($0.name):\($0.value)" }.joined(separator: " ")
            } + [""]
            + listing.rows.map { "\($0.name): \(PythonExceptionText.repr($0.value))" }
            + listing.notices.map { "Notice: \($0)" } + listing.warnings.map { "Warning: \($0)" }
            + listing.refusals.map { "Refused: \($0)" } + [""]
    }

    /// The report as an object.
    var object: WireObject {
        var object = WireObject()
        for (label, facts) in parts.dropLast() {
            object[label.trimmed] = .object(WireObject(facts.map { ($0.name, .string($0.value)) }))
        }
        object["transport"] = .string(transport)
        object["results"] = .string(results)
        object["settings"] = .object(WireObject(listing.rows.map { ($0.name, $0.value) }))
        object["notices"] = .array(listing.notices.map { .string($0) })
        object["warnings"] = .array(listing.warnings.map { .string($0) })
        object["refusals"] = .array(listing.refusals.map { .string($0) })
        return object
    }
}

extension String {
    /// The text without spaces at its end.
    fileprivate var trimmed: String { String(prefix { $0 != " " }) }
}
