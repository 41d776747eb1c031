import CeleriacWire
import Testing

@testable import CeleriacCore

@Suite("Job table") struct JobTableTests {
    private let parts = Parts { TaskHandler("work") { _ in .null } }

    @Test("finds all jobs of an id, in their order, before and after it has an index")
    func finds() throws {
        var table = JobTable()
        let jobs = try ["a", "b", "a", "c"].map { try parts.job($0) }
        for job in jobs.dropLast() { table.insert(job) }
        table.remove(jobs[1])
        table.remove(jobs[1])
        #expect(!table.isIndexed && table.count == 2)
        #expect(table.jobs(withID: "a").map(ObjectIdentifier.init) == [jobs[0], jobs[2]].map(ObjectIdentifier.init))
        #expect(table.jobs(withID: "b").isEmpty && table.isIndexed)
        table.insert(jobs[3])
        table.remove(jobs[0])
        #expect(table.jobs(withID: "c").count == 1 && table.jobs(withID: "a").first === jobs[2] && table.count == 2)
    }

    @Test("drops its index when nobody has asked for as many jobs as it has, and makes another when somebody asks")
    func dropsIndex() throws {
        var table = JobTable()
        #expect(table.jobs(withID: "1").isEmpty)
        for number in 1...1000 { table.insert(try parts.job("\(number)")) }
        #expect(table.isIndexed && table.jobs(withID: "7").count == 1)
        for number in 1001...3000 { table.insert(try parts.job("\(number)")) }
        #expect(table.isIndexed)
        for number in 3001...7000 { table.insert(try parts.job("\(number)")) }
        #expect(table.isIndexed)
        for number in 1...7000 { for job in table.jobs(withID: "\(number)") { table.remove(job) } }
        #expect(table.count == 0)
        for number in 1...1001 {
            let job = try parts.job("\(number)")
            table.insert(job)
            table.remove(job)
        }
        #expect(!table.isIndexed)
    }
}
