import Celeriac
import Glibc

/// The tasks of the benchmark, by the names that the peers give them, too.
enum BenchTasks {
    static let add = TaskDefinition<Int, Int, Int>("bench.add")
    /// How many bytes a text has.
    static let length = TaskDefinition<String, Int>("bench.length")
    /// How many microseconds late it begins, of a time since 1970 in microseconds.
    static let late = TaskDefinition<Int, Int>("bench.late")
    /// The sum of numbers: the body of a chord.
    static let total = TaskDefinition<[Int], Int>("bench.total")

    /// The first slot counts what begins early, the last one what is two seconds late or more, each other a millisecond.
    private static let latenessSlots = 2002

    /// Makes the handlers of a worker. Those of which a queue is filled count what they run.
    static func handlers(_ settings: BenchSettings) throws -> [TaskHandler] {
        let counter = try SharedSlots(path: settings.counterPath, count: 65)
        let addHandler = add.handler { x, y in
            counter.increment()
            return x + y
        }
        if settings.hasOneHandler { return [addHandler] }
        let lengthHandler = length.handler { text in
            counter.increment()
            return text.utf8.count
        }
        var handlers = [addHandler, lengthHandler, LatencyProducer.handler]
        // Chords, and what is late, are measured with Celery's messages.
        if !settings.isMachinery { handlers.append(total.handler { numbers in numbers.reduce(0, +) }) }
        if let path = settings.latenessPath {
            let lateness = try SharedSlots(path: path, count: latenessSlots)
            handlers.append(
                late.handler { due in
                    let microseconds = wallClock() - due
                    lateness.increment(microseconds < 0 ? 0 : 1 + min(microseconds / 1000, latenessSlots - 2))
                    counter.increment()
                    return microseconds
                })
        }
        return handlers
    }

    /// Microseconds since 1970.
    private static func wallClock() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int(time.tv_sec) * 1_000_000 + Int(time.tv_nsec) / 1000
    }
}
