/// Jobs in any number, which are found by their ids when that is asked.
///
/// Adding and removing cost neither a hash nor an allocation while nobody asks, which is the rule: the table makes its
/// index when the first question comes, and drops it after as many jobs without a question as there are in it.
struct JobTable {
    private var places: [Job?] = []
    private var free: [Int] = []
    private var index: [String: [Job]]?
    /// How many jobs came since the last question.
    private var unasked = 0

    /// How many jobs there are.
    var count: Int { places.count - free.count }

    /// Whether the table has an index now.
    var isIndexed: Bool { index != nil }

    /// All jobs.
    var jobs: [Job] { places.compactMap { $0 } }

    mutating func insert(_ job: Job) {
        if let place = free.popLast() {
            places[place] = job
            job.setPlace(place)
        } else {
            job.setPlace(places.count)
            places.append(job)
        }
        guard index != nil else { return }
        unasked += 1
        if unasked > max(1000, count) {
            index = nil
        } else {
            index?[job.request.id, default: []].append(job)
        }
    }

    /// Removes a job, if the table has it.
    mutating func remove(_ job: Job) {
        guard let place = job.takePlace(), places.indices.contains(place) else { return }
        places[place] = nil
        free.append(place)
        guard index != nil else { return }
        index?[job.request.id]?.removeAll { $0 === job }
        if index?[job.request.id]?.isEmpty == true { index?[job.request.id] = nil }
    }

    /// The jobs with an id, in the order in which they came.
    mutating func jobs(withID id: String) -> [Job] {
        unasked = 0
        if let index { return index[id] ?? [] }
        let index = Dictionary(grouping: places.lazy.compactMap { $0 }, by: \.request.id)
        self.index = index
        return index[id] ?? []
    }
}
