import CeleriacTestKit
import CeleriacWire
import Testing

/// Celery's own schedules.
enum PythonSchedules {
    /// One of Celery's answers: the run that follows a last run.
    struct Step {
        var last: Double
        var next: Double
        var isDueBefore: Bool
        var isDueThen: Bool
    }

    /// Celery's answer for a case; ``ask(_:_:)`` returns nil for a case that Celery refuses.
    struct Answer {
        var sets: [[Int]]
        var steps: [Step]
    }

    /// Asks Celery about all cases, several hundred at a time.
    static func ask(_ operation: String, _ cases: [[String: WireValue]]) async throws -> [Answer?] {
        let driver = try await PythonPeer(broker: "memory://", results: "cache+memory://").startDriver()
        var answers: [Answer?] = []
        for start in stride(from: 0, to: cases.count, by: 200) {
            let some = cases[start..<min(start + 200, cases.count)].map {
                WireValue.object(WireObject($0.map { ($0, $1) }))
            }
            let reply = try await driver.ask(operation, ["cases": .array(some)])
            for answer in try #require(reply["answers"]?.arrayValue) { answers.append(try read(answer)) }
        }
        await driver.stop()
        try #require(answers.count == cases.count)
        return answers
    }

    private static func read(_ answer: WireValue) throws -> Answer? {
        if answer["refused"] != nil { return nil }
        let walks = try #require(answer["walks"]?.arrayValue)
        let steps = try walks.flatMap { try #require($0.arrayValue) }.map { step in
            Step(
                last: try #require(step[0]?.doubleValue), next: try #require(step[1]?.doubleValue),
                isDueBefore: try #require(step[2]?.boolValue as Bool?),
                isDueThen: try #require(step[3]?.boolValue as Bool?))
        }
        let sets = (answer["sets"]?.arrayValue ?? []).map { ($0.arrayValue ?? []).compactMap(\.intValue) }
        return Answer(sets: sets, steps: steps)
    }
}
