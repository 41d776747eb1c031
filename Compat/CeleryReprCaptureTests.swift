import CeleriacWire
import CeleryWire
import Testing

/// Compares `argsrepr` and `kwargsrepr` as this package writes them with what Celery sent for the same arguments.
@Suite struct CeleryReprCaptureTests {
    @Test func argumentsAreShownAsCeleryShowsThem() {
        var same = 0
        var brackets: Set<String> = []
        for message in CapturedMessage.all {
            guard let task = message.task, let args = task.argsrepr, let kwargs = task.kwargsrepr else { continue }
            let written = PythonRepr()
            for (mine, theirs) in [(written.text(args: task.args), args), (written.text(kwargs: task.kwargs), kwargs)] {
                if mine == theirs {
                    same += 1
                } else if Self.withoutTuples(mine) == Self.withoutTuples(theirs) {
                    // The wire has arrays for both tuples and lists, so the difference is lost.
                    brackets.insert(message.file)
                } else if !Self.exceptions.contains(message.file) {
                    Issue.record("\(message.file): \(mine) instead of \(theirs)")
                }
            }
        }
        #expect(same > 1000)
        #expect(brackets == Self.tuples)
    }

    /// Captures where the brackets differ: the signatures in the arguments of map and chunks contain tuples, and beat's
    /// arguments were a list.
    private static let tuples: Set<String> = [
        "c447p2.amqp.chunks.json", "c447p2.amqp.map.json", "c447p2.redis.chunks.json", "c447p2.redis.map.json",
        "p2.amqp.chunks.json", "p2.amqp.map.json", "p2.redis.chunks.json", "p2.redis.map.json", "x.redis.beat.json",
    ]

    /// Celery 4 sent these types as plain text, so Celeriac shows them as text.
    private static let exceptions: Set<String> = [
        "c447p2.amqp.types_datetime.json", "c447p2.amqp.types_decimal_uuid.json", "c447p2.redis.types_datetime.json",
        "c447p2.redis.types_decimal_uuid.json",
    ]

    private static func withoutTuples(_ text: String) -> String {
        text.replacing(",)", with: "]").replacing(")", with: "]").replacing("(", with: "[")
    }
}
