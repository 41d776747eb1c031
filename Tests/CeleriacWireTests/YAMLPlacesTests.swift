import CeleriacWire
import Testing

/// Where values and keys of a YAML document stand.
@Suite("YAML places") struct YAMLPlacesTests {
    private let text = """
        a: 1
        b:
          - x
          - {c: [y, z]}
        d: &anchor {e: 1}
        f: *anchor
        """

    @Test(
        "values, keys and what is around them",
        arguments: [
            ([], 1, 1), ([.key("a")], 1, 4), ([.key("b")], 3, 3), ([.key("b"), .index(0)], 3, 5),
            ([.key("b"), .index(1), .key("c")], 4, 9), ([.key("b"), .index(1), .key("c"), .index(1)], 4, 13),
            // What is missing has the place of what is around it, and what an alias repeats that of the alias.
            ([.key("b"), .index(1), .key("no")], 4, 5), ([.key("f"), .key("e")], 6, 4),
        ] as [([YAMLPlaces.Step], Int, Int)])
    func places(_ path: [YAMLPlaces.Step], _ line: Int, _ column: Int) throws {
        let place = try YAMLPlaces(Array(text.utf8)).place(of: path)
        #expect(place?.line == line && place?.column == column, "\(String(describing: place))")
    }

    @Test("keys")
    func keys() throws {
        let places = try YAMLPlaces(Array(text.utf8))
        #expect(places.key([.key("d")])?.description == "(line 5, column 1)")
        #expect(places.key([.key("b"), .index(1), .key("c")])?.description == "(line 4, column 6)")
        #expect(places.key([.key("none")])?.description == "(line 1, column 1)")
    }

    @Test("a document without values has no places, and what is not YAML is refused")
    func edges() throws {
        #expect(try YAMLPlaces([]).place(of: []) == nil)
        #expect(throws: WireError.self) { _ = try YAMLPlaces(Array("a: [".utf8)) }
    }
}
