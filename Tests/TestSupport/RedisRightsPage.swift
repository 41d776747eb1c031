import Foundation

/// The rights that a user of Redis needs, as the catalogue's page `RedisServers` lists them.
package struct RedisRightsPage {
    /// Who needs commands, in the order of the page's lists.
    package enum Role: Int, CaseIterable {
        case celery
        case machinery
        /// The verbs of `celeriac`, besides one of the others.
        case verbs
    }

    /// What is wrong with the page.
    package struct Fault: Error {
        let text: String
    }

    private var lists: [[String]] = []
    /// Rights to keys and channels, by the row's name.
    private var rows: [String: [String]] = [:]

    /// The path of the repository.
    package static let root = URL(filePath: #filePath).appending(path: "../../..").standardized.path

    /// Reads the page.
    package init() throws {
        let page = Self.root + "/Sources/Celeriac/Celeriac.docc/RedisServers.md"
        let lines = try String(contentsOfFile: page, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        let section = lines.drop { $0 != "## Keys and rights" }.dropFirst().prefix { !$0.hasPrefix("## ") }
        var isInList = false
        for line in section {
            if line.hasPrefix("```") {
                isInList.toggle()
                if isInList { lists.append([]) }
            } else if isInList, let last = lists.indices.last {
                lists[last] += line.split(separator: " ").map(String.init)
            } else if line.hasPrefix("| ") {
                let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
                guard cells.count == 2, cells[1].contains("`") else { continue }
                rows[cells[0]] = cells[1].split(separator: "`").map(String.init).filter { $0 != " " }
            }
        }
        guard lists.count == Role.allCases.count else {
            throw Fault(text: "the page has \(lists.count) lists of commands")
        }
    }

    /// The rights to commands, the first of which takes all others away where the list is whole.
    package func commands(of role: Role) -> [String] { lists[role.rawValue] }

    /// The rights to keys and channels.
    ///
    /// - Parameters:
    ///   - row: the name of the row.
    ///   - queue: the name of the queue.
    /// - Returns: the rights, in database 0.
    /// - Throws: ``Fault`` if there is no such row.
    package func keys(_ row: String, queue: String) throws -> [String] {
        guard let rights = rows[row] else { throw Fault(text: "the page has no row '\(row)'") }
        return rights.map { $0.replacing("<queue>", with: queue).replacing("<database>", with: "0") }
    }
}
