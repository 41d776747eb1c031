import CeleriacWire

/// What a case expects of a testee.
enum Expectation: Sendable {
    /// That it answers at all, or refuses.
    case answered
    /// That it refuses the input, with this text in its reason if there is one.
    case refused(text: String?)
    /// This answer. An answer may have keys more.
    case answer(WireValue)
    /// That all steps of a live case pass, in which the checks stand.
    case steps
    /// That what it wrote passes all checks.
    case checks(ConformanceView, [ConformanceCheck])

    /// Reads an expectation of the corpus.
    ///
    /// - Throws: ``ConformanceError`` for one that this version of the kit does not know.
    init(_ value: WireValue) throws(ConformanceError) {
        if value["answered"]?.boolValue == true {
            self = .answered
        } else if value["steps"]?.boolValue == true {
            self = .steps
        } else if value["refused"]?.boolValue == true {
            self = .refused(text: value["text"]?.stringValue)
        } else if let answer = value["answer"] {
            self = .answer(ConformanceValue.normal(answer))
        } else if let checks = value["checks"]?.arrayValue, let name = value["view"]?.stringValue,
            let view = ConformanceView(rawValue: name)
        {
            let read = checks.compactMap { ConformanceCheck($0) }
            guard read.count == checks.count, !read.isEmpty else { throw ConformanceError("a check cannot be read") }
            self = .checks(view, read)
        } else {
            throw ConformanceError("an expectation of this form is unknown; is the corpus newer than this program?")
        }
    }

    /// Why a response is not what is expected; nil if it is.
    func problem(with response: TesteeResponse) -> String? {
        switch (self, response) {
        case (_, .timeout): return "no answer in time"
        case (_, .crash): return "the testee ended, or its line was no answer"
        case (_, .unimplemented), (.answered, _), (.steps, _): return nil
        case (.refused(let text), .refused(let reason)):
            guard let text, !reason.contains(text) else { return nil }
            return "refused with another text: \(reason.prefix(160))"
        case (.refused, .answer(let answer)): return "not refused, but answered \(ConformanceValue.excerpt(answer))"
        case (_, .refused(let reason)): return "refused: \(reason.prefix(160))"
        case (.answer(let wanted), .answer(let answer)): return Self.difference(wanted, ConformanceValue.normal(answer))
        case (.checks(let view, let checks), .answer(let answer)):
            do {
                let written = try view.read(answer)
                return checks.lazy.compactMap { $0.problem(in: written) }.first
            } catch {
                return "the answer cannot be read: \(error)"
            }
        }
    }

    private static func difference(_ wanted: WireValue, _ answer: WireValue) -> String? {
        if case .object(let wanted) = wanted, case .object(let answer) = answer {
            for (key, value) in wanted {
                if let own = answer[key], ConformanceValue.same(value, own) { continue }
                let texts = (ConformanceValue.excerpt(answer[key]), ConformanceValue.excerpt(value))
                return "\(key) is \(texts.0) instead of \(texts.1)"
            }
            return nil
        }
        guard !ConformanceValue.same(wanted, answer) else { return nil }
        return "\(ConformanceValue.excerpt(answer)) instead of \(ConformanceValue.excerpt(wanted))"
    }
}
