/// What is sent at once: a task, a chain or a chord. Its name's first letter says which; the parts of chains and chords
/// have names of their own, `c7.0` or `h7.b`.
struct Unit: Sendable {
    enum Kind: Character {
        case plain = "p"
        case eta = "e"
        case chain = "c"
        case chord = "h"
        /// Kills its worker.
        case poison = "x"
        /// Sent after the faults: every worker that is left must take some of them.
        case probe = "q"
    }

    let kind: Kind
    let number: Int

    var name: String { "\(kind.rawValue)\(number)" }
    var links: [String] { (0..<3).map { "\(name).\($0)" } }
    var body: String { "\(name).b" }
    /// After how many milliseconds a task with an ETA may begin.
    var countdown: Int { 500 + number * 37 % 4000 }

    private var tasks: Int {
        switch kind {
        case .chain: 3
        case .chord: 4
        default: 1
        }
    }

    /// Units of these kinds with so many tasks in all, numbered from `first`.
    static func list(tasks: Int, kinds: String, first: Int) -> [Unit] {
        var units: [Unit] = []
        var count = 0
        while count < tasks {
            let unit = Unit(kind: kind(units.count, tasks: tasks, kinds: kinds), number: first + units.count)
            count += unit.tasks
            units.append(unit)
        }
        return units
    }

    private static func kind(_ index: Int, tasks: Int, kinds: String) -> Kind {
        if kinds == "q" { return .probe }
        let kind: Kind =
            if index == tasks / 3 {
                .poison
            } else if index % 40 == 7 {
                .chain
            } else if index % 40 == 27 {
                .chord
            } else if index % 10 == 3 {
                .eta
            } else {
                .plain
            }
        return kinds.contains(kind.rawValue) ? kind : .plain
    }
}
