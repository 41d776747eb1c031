import CeleriacCore
import CeleriacWire
import FoundationEssentials
import Testing

@Suite struct RandomIDTests {
    @Test func idsAreRandomUUIDsInLowerCase() throws {
        let ids = (0..<1000).map { _ in randomUUID() }
        #expect(Set(ids).count == ids.count)
        for id in ids {
            #expect(try #require(UUID(uuidString: id)).uuidString.lowercased() == id)
            let characters = Array(id)
            #expect(characters[14] == "4" && "89ab".contains(characters[19]))
        }
    }
}
