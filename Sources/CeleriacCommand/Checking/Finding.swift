import CeleriacWire

/// Something that an examination has found.
struct Finding: Sendable, Hashable {
    /// How bad it is.
    enum Level: String, Sendable, CaseIterable {
        /// It is as it should be.
        case ok
        /// It is worth to be known.
        case note
        /// It may do harm.
        case warning
        /// It does harm.
        case problem
    }

    let level: Level
    /// What was looked at, in a word or two.
    let subject: String
    /// What was found.
    let text: String
    /// What to do about it.
    let advice: String?

    static func ok(_ subject: String, _ text: String) -> Finding {
        Finding(level: .ok, subject: subject, text: text, advice: nil)
    }

    static func note(_ subject: String, _ text: String, _ advice: String) -> Finding {
        Finding(level: .note, subject: subject, text: text, advice: advice)
    }

    static func warning(_ subject: String, _ text: String, _ advice: String) -> Finding {
        Finding(level: .warning, subject: subject, text: text, advice: advice)
    }

    static func problem(_ subject: String, _ text: String, _ advice: String) -> Finding {
        Finding(level: .problem, subject: subject, text: text, advice: advice)
    }
}

/// Prints findings.
struct FindingPrinter {
    let output: CommandOutput
    let style: TerminalStyle

    /// Prints each finding with what to do, and how many there are of what is bad.
    func show(_ findings: [Finding]) {
        let rows = findings.map { finding -> WireValue in
            [
                "level": .string(finding.level.rawValue), "subject": .string(finding.subject),
                "text": .string(finding.text), "advice": finding.advice.map { .string($0) } ?? .null,
            ]
        }
        let object: WireObject = [
            "findings": .array(rows), "problems": .int(Int64(count(.problem, in: findings))),
            "warnings": .int(Int64(count(.warning, in: findings))),
        ]
        output.show(object) { lines(of: findings) }
    }

    /// The lines for a person.
    func lines(of findings: [Finding]) -> [String] {
        let (problems, warnings) = (count(.problem, in: findings), count(.warning, in: findings))
        return findings.flatMap { finding -> [String] in
            let label = word(finding.level)
            let line = "\(label) \(finding.subject.printable): \(finding.text.printable)"
            return [line] + (finding.advice.map { ["        → \($0.printable)"] } ?? [])
        } + [
            "",
            "\(problems.counting("problem")), \(warnings.counting("warning")).",
        ]
    }

    private func count(_ level: Finding.Level, in findings: [Finding]) -> Int {
        findings.count { $0.level == level }
    }

    private func word(_ level: Finding.Level) -> String {
        switch level {
        case .ok: style.text("ok     ", .green)
        case .note: style.text("note   ", .cyan)
        case .warning: style.text("warning", .yellow)
        case .problem: style.text("PROBLEM", .red)
        }
    }
}
