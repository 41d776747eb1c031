import CeleriacWire

/// What the kit says of a testee in one case.
enum Verdict: String, Sendable, CaseIterable {
    /// The testee did what the case expects.
    case ok = "OK"
    /// It did not, where the specification only says SHOULD.
    case nonStrict = "NON-STRICT"
    /// Nothing is asked: the specification says MAY, or Celery itself does otherwise.
    case informational = "INFORMATIONAL"
    /// The testee says that it has no such operation.
    case unimplemented = "UNIMPLEMENTED"
    /// It did not do what it must.
    case failed = "FAILED"
    /// It did not answer in time.
    case timeout = "TIMEOUT"
    /// It ended, or what it said is no answer.
    case crash = "CRASH"
    /// It failed, and did not when it was asked again.
    case flaky = "FLAKY"

    /// Whether the verdict makes the run fail.
    var isBad: Bool {
        switch self {
        case .failed, .timeout, .crash, .flaky: true
        case .ok, .nonStrict, .informational, .unimplemented: false
        }
    }

    /// The verdict on a response.
    static func on(_ response: TesteeResponse, problem: String?, level: ConformanceCase.Level) -> Verdict {
        switch response {
        case .timeout: return .timeout
        case .crash: return .crash
        case .unimplemented: return .unimplemented
        case .answer, .refused: break
        }
        if level == .informational { return .informational }
        if problem == nil { return .ok }
        return switch level {
        case .must: .failed
        case .should: .nonStrict
        case .may, .informational: .informational
        }
    }
}

/// What came back for a question.
enum TesteeResponse: Sendable, Equatable {
    case answer(WireValue)
    /// The testee refused the input, and says why.
    case refused(String)
    case unimplemented
    case timeout
    /// The testee ended, or said something that is no answer to this question.
    case crash

    /// Reads a line of a testee.
    init(_ line: [UInt8], to id: String) {
        guard let value = try? WireJSON.decode(line, limits: .kit), value["id"]?.stringValue == id else {
            self = .crash
            return
        }
        if value["unimplemented"]?.boolValue == true {
            self = .unimplemented
        } else if let reason = value["refused"]?.stringValue {
            self = .refused(reason)
        } else if let answer = value["answer"] {
            self = .answer(answer)
        } else {
            self = .crash
        }
    }
}

/// The verdict on one case.
struct ConformanceRow: Sendable {
    let testCase: ConformanceCase
    let verdict: Verdict
    /// Why it is not what the case expects; nil if it is.
    let detail: String?
}
