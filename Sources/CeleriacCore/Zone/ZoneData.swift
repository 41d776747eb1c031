/// The offsets of a zone over time: a list of changes, and a rule for what comes after it.
struct ZoneData: Sendable, Hashable {
    struct Transition: Sendable, Hashable {
        /// Seconds since 1970 of the first second with the offset.
        var time: Int
        /// Seconds ahead of UTC.
        var offset: Int
    }

    /// Ascending.
    var transitions: [Transition]
    /// The offset before the first transition.
    var initialOffset: Int
    /// What holds after the last transition; nil for its offset.
    var rule: ZoneRule?

    func offset(at time: Int) -> Int {
        if let last = transitions.last, time < last.time { return listed(time)?.offset ?? initialOffset }
        return rule?.offset(at: time) ?? transitions.last?.offset ?? initialOffset
    }

    /// The next change of the offset after a time, and the offset before it.
    func nextTransition(after time: Int) -> (Transition, before: Int)? {
        let current = offset(at: time)
        var position = countOfListed(upTo: time)
        while transitions.indices.contains(position) {
            if transitions[position].offset != current { return (transitions[position], current) }
            position += 1
        }
        let begin = max(time, transitions.last?.time ?? time)
        guard let next = rule?.transitions(around: begin).first(where: { $0.time > begin && $0.offset != current })
        else { return nil }
        return (next, current)
    }

    private func listed(_ time: Int) -> Transition? {
        let count = countOfListed(upTo: time)
        return count > 0 ? transitions[count - 1] : nil
    }

    /// How many listed transitions lie at or before a time.
    private func countOfListed(upTo time: Int) -> Int {
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].time <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
