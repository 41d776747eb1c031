import CeleriacWire

/// Several implementations beside one another: what the reports of their runs say, by case.
struct ConformanceMatrix: Sendable {
    /// What an implementation did in a case.
    struct Cell: Sendable {
        let verdict: Verdict
        /// Why it is not what the case expects; nil if it is.
        let detail: String?
    }

    /// An implementation.
    struct Column: Sendable {
        let name: String
        fileprivate(set) var cells: [String: Cell] = [:]

        /// How many of its cases have a verdict.
        func count(_ verdict: Verdict) -> Int { cells.values.count(where: { $0.verdict == verdict }) }

        /// The share of right cases, as ``ConformanceSummary/score(_:)`` has it.
        var score: Int? { ConformanceSummary.score(cells.values.map(\.verdict)) }
    }

    /// The cases of one topic, of a role in one tier.
    struct Topic: Sendable {
        /// For instance "Celery, worker, live".
        let part: String
        let name: String
        fileprivate(set) var ids: [String] = []
    }

    private(set) var columns: [Column] = []
    /// The topics by dialect and role, in the order in which the reports have them.
    private(set) var topics: [Topic] = []

    /// How many different cases there are.
    var count: Int { topics.reduce(0) { $0 + $1.ids.count } }

    /// Adds a report, of `celeriac conform` or of the kit's own runner, in its form as JSON.
    ///
    /// Several reports of one name become one column: the tiers and brokers of an implementation. Where they have the same
    /// case, the worse verdict stays.
    ///
    /// - Throws: ``ConformanceError`` for a value that is no such report.
    mutating func add(_ report: WireValue, named name: String?) throws(ConformanceError) {
        guard let kit = report["kit"]?.stringValue, let cases = report["cases"]?.arrayValue else {
            throw ConformanceError("this is no report of the conformance kit")
        }
        guard kit.split(separator: ".").first.map(String.init) == Corpus.version else {
            throw ConformanceError("this program reads reports of version \(Corpus.version)")
        }
        guard let name = name ?? report["title"]?.stringValue else {
            throw ConformanceError("the report has no title; write NAME=FILE")
        }
        let index = columns.firstIndex { $0.name == name } ?? columns.count
        if index == columns.count { columns.append(Column(name: name)) }
        for one in cases {
            guard let id = one["id"]?.stringValue, let text = one["verdict"]?.stringValue,
                let verdict = Verdict(rawValue: text)
            else { throw ConformanceError("a case of the report has no id or verdict") }
            let old = columns[index].cells[id]?.verdict
            if let old, old.badness >= verdict.badness { continue }
            columns[index].cells[id] = Cell(verdict: verdict, detail: one["detail"]?.stringValue)
        }
        arrange(cases.compactMap { $0["id"]?.stringValue })
    }

    /// Puts cases that are new under their topics.
    private mutating func arrange(_ ids: [String]) {
        var known = Set(topics.flatMap(\.ids))
        var places: [String: Int] = [:]
        for (index, topic) in topics.enumerated() { places[topic.part + "/" + topic.name] = index }
        for id in ids where known.insert(id).inserted {
            let words = id.split(separator: "/").map(String.init)
            let isLive = words.count > 3 && words[2] == "live"
            let dialect = words.first.map { $0.prefix(1).uppercased() + $0.dropFirst() } ?? ""
            let part = "\(dialect), \(words.count > 1 ? words[1] : ""), \(isLive ? "live" : "codec")"
            let name = isLive ? words[3] : words.count > 2 ? words[2] : ""
            let place = places[part + "/" + name] ?? topics.count
            if place == topics.count {
                places[part + "/" + name] = place
                topics.append(Topic(part: part, name: name))
            }
            topics[place].ids.append(id)
        }
        // Sorting does not keep the order of equals, so their places are compared too.
        let order = topics.enumerated().sorted { left, right in
            let ranks = (Self.rank(left.element.part), Self.rank(right.element.part))
            guard ranks.0 == ranks.1 else { return ranks.0.lexicographicallyPrecedes(ranks.1) }
            return left.offset < right.offset
        }
        topics = order.map(\.element)
    }

    private static func rank(_ part: String) -> [String] {
        let roles = ["worker", "producer", "client", "monitor", "beat"]
        let words = part.split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init)
        return words.map { word in roles.firstIndex(of: word).map(String.init) ?? word }
    }
}

extension Verdict {
    /// How bad a verdict is beside others of the same case.
    fileprivate var badness: Int {
        switch self {
        case .ok: 0
        case .informational: 1
        case .unimplemented: 2
        case .nonStrict: 3
        case .flaky: 4
        case .failed: 5
        case .timeout: 6
        case .crash: 7
        }
    }

    /// One character for the verdict, so that colour is not all that tells it.
    var sign: String {
        switch self {
        case .ok: "✓"
        case .nonStrict: "−"
        case .informational: "i"
        case .unimplemented: "∅"
        case .failed: "✗"
        case .timeout: "t"
        case .crash: "!"
        case .flaky: "~"
        }
    }

    /// What the verdict says, in words.
    var meaning: String {
        switch self {
        case .ok: "as the case wants"
        case .nonStrict: "a SHOULD is not met"
        case .informational: "nothing is asked"
        case .unimplemented: "the testee has no such thing"
        case .failed: "a MUST is not met"
        case .timeout: "nothing came in time"
        case .crash: "the testee ended"
        case .flaky: "failed, and then did not"
        }
    }
}
