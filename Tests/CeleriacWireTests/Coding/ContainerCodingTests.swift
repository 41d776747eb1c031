import CeleriacWire
import Foundation
import Testing

/// User types of every shape through `WireEncoder` and `WireDecoder`.
struct ContainerCodingTests {
    private let encoder = WireEncoder()
    private let decoder = WireDecoder()

    struct Address: Codable, Equatable {
        var street: String
        var number: Int?
        var tags: [String]
    }

    enum Level: String, Codable { case low, high }

    enum Shape: Codable, Equatable {
        case circle(radius: Double)
        case point
        case pair(Int, Int)
    }

    struct Person: Codable, Equatable {
        var name: String
        var age: UInt8
        var address: Address?
        var others: [Address]
        var level: Level
        var shapes: [Shape]
        var scores: [String: Double]
        var big: WireNumber
        var any: WireValue
    }

    static let person = Person(
        name: "Ada", age: 36, address: Address(street: "A", number: nil, tags: ["x"]),
        others: [Address(street: "B", number: 2, tags: [])], level: .high,
        shapes: [.circle(radius: 1.5), .point, .pair(1, 2)], scores: ["a": 1.5],
        big: WireNumber(Int128(1) << 70), any: ["k": [1, nil]])

    static let wire: WireValue = [
        "name": "Ada", "age": 36, "address": ["street": "A", "tags": ["x"]],
        "others": [["street": "B", "number": 2, "tags": []]], "level": "high",
        "shapes": [["circle": ["radius": 1.5]], ["point": [:]], ["pair": ["_0": 1, "_1": 2]]], "scores": ["a": 1.5],
        "big": .number("1180591620717411303424"), "any": ["k": [1, nil]],
    ]

    @Test func typesOfEveryShape() throws {
        let value = try encoder.encode(Self.person)
        #expect(value == Self.wire)
        #expect(value.objectValue?.keys == Self.wire.objectValue?.keys)
        #expect(try decoder.decode(Person.self, from: value) == Self.person)
        #expect(try WireJSON.decode(try WireJSON.encode(value)) == value)
    }

    @Test func readsNullAndAbsenceAlike() throws {
        let value: WireValue = ["street": "A", "number": nil, "tags": [], "more": 1]
        #expect(try decoder.decode(Address.self, from: value).number == nil)
    }

    static let wrong: [(WireValue, String)] = [
        (["street": "A"], "valueMissing: tags: the key is missing"),
        (["street": 1, "tags": []], "typeMismatch: street: expected a string, found an integer"),
        (["street": "A", "tags": ["x", nil]], "valueMissing: tags[1]: expected a string, found null"),
        (["street": "A", "tags": [], "number": 1.0], "typeMismatch: number: expected an integer, found a float"),
        (["street": "A", "tags": [:]], "typeMismatch: tags: expected an array, found an object"),
        (
            ["street": "A", "tags": [], "number": .number("9223372036854775808")],
            "invalidNumber: number: the integer does not fit Int"
        ),
        ([], "typeMismatch: expected an object, found an array"),
        (nil, "valueMissing: expected an object, found null"),
    ]

    @Test(arguments: wrong) func saysWhatIsWrongAndWhere(value: WireValue, description: String) {
        #expect(codingError { _ = try decoder.decode(Address.self, from: value) }?.description == description)
    }

    @Test func saysWhereInTheDepth() throws {
        var object = try #require(Self.wire.objectValue)
        object["others"] = [["street": "B", "tags": []], ["street": "C", "tags": ["x", 7]]]
        let error = codingError { _ = try decoder.decode(Person.self, from: .object(object)) }
        #expect(error?.description == "typeMismatch: others[1].tags[1]: expected a string, found an integer")
        object["others"] = []
        object["level"] = "secret-level"
        let level = codingError { _ = try decoder.decode(Person.self, from: .object(object)) }
        #expect(level?.message.hasPrefix("level: ") == true)
    }

    // MARK: Containers by hand

    class Animal: Codable {
        var name = "animal"
        init() {}
    }

    final class Dog: Animal {
        var barks = 3
        override init() { super.init() }

        private enum Key: CodingKey { case barks }

        required init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            barks = try container.decode(Int.self, forKey: .barks)
            try super.init(from: container.superDecoder())
        }

        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            // The superclass fills in its part after the key is reserved.
            try super.encode(to: container.superEncoder())
            try container.encode(barks, forKey: .barks)
        }
    }

    @Test func superclasses() throws {
        let dog = Dog()
        dog.name = "Rex"
        let value = try encoder.encode(dog)
        #expect(value == ["super": ["name": "Rex"], "barks": 3])
        #expect(try decoder.decode(Dog.self, from: value).name == "Rex")
    }

    struct ByHand: Codable, Equatable {
        var values = [1, 2]
        var name = "x"

        private enum Key: CodingKey { case outer, list, inner, values, name, nothing }

        init() {}

        init(from decoder: any Decoder) throws {
            let outer = try decoder.container(keyedBy: Key.self)
            guard try outer.decodeNil(forKey: .nothing), Set(outer.allKeys) == [.outer, .list, .nothing] else {
                throw DecodingError.dataCorruptedError(forKey: .nothing, in: outer, debugDescription: "not as written")
            }
            let nested = try outer.nestedContainer(keyedBy: Key.self, forKey: .outer)
            name = try nested.decode(String.self, forKey: .name)
            var list = try outer.nestedUnkeyedContainer(forKey: .list)
            values = []
            guard list.count == 5, try list.decodeNil(), try !list.decodeNil() else {
                throw DecodingError.dataCorruptedError(in: list, debugDescription: "not as written")
            }
            values.append(try list.decode(Int.self))
            var inner = try list.nestedUnkeyedContainer()
            values.append(try inner.decode(Int.self))
            let last = try list.nestedContainer(keyedBy: Key.self)
            guard inner.isAtEnd, try last.decode(Bool.self, forKey: .inner) else {
                throw DecodingError.dataCorruptedError(in: list, debugDescription: "not as written")
            }
            _ = try Int(from: list.superDecoder())
        }

        func encode(to encoder: any Encoder) throws {
            var outer = encoder.container(keyedBy: Key.self)
            var nested = outer.nestedContainer(keyedBy: Key.self, forKey: .outer)
            var list = outer.nestedUnkeyedContainer(forKey: .list)
            try list.encodeNil()
            try list.encode(values[0])
            var inner = list.nestedUnkeyedContainer()
            var last = list.nestedContainer(keyedBy: Key.self)
            try 9.encode(to: list.superEncoder())
            try outer.encodeNil(forKey: .nothing)
            // These are written after writing to the containers around them has continued.
            try last.encode(true, forKey: .inner)
            try inner.encode(values[1])
            try nested.encode(name, forKey: .name)
        }
    }

    @Test func nestedContainersInAnyOrder() throws {
        let value = try encoder.encode(ByHand())
        #expect(value == ["outer": ["name": "x"], "list": [nil, 1, [2], ["inner": true], 9], "nothing": nil])
        #expect(try decoder.decode(ByHand.self, from: value) == ByHand())
        let short: WireValue = ["outer": ["name": "x"], "list": [nil, 1, [], ["inner": true], 9], "nothing": nil]
        let error = codingError { _ = try decoder.decode(ByHand.self, from: short) }
        #expect(error?.description == "valueMissing: list[2][0]: the array has only 0 elements")
    }

    struct Nothing: Encodable {
        func encode(to encoder: any Encoder) throws {}
    }

    struct Both: Encodable {
        func encode(to encoder: any Encoder) throws {
            var keyed = encoder.container(keyedBy: IndexingKey.self)
            try keyed.encode(1, forKey: .a)
            var list = encoder.unkeyedContainer()
            try list.encode(2)
        }

        enum IndexingKey: CodingKey { case a }
    }

    @Test func refusesTypesThatEncodeNothingOrTwoThings() {
        #expect(codingError { _ = try encoder.encode(Nothing()) }?.code == .unsupported)
        #expect(codingError { _ = try encoder.encode([Both()]) }?.description.contains("[0]: ") == true)
    }

    // MARK: Depth

    final class Link: Codable, Sendable {
        let next: Link?
        init(_ next: Link?) { self.next = next }
    }

    indirect enum Tree: Codable, Sendable {
        case leaf
        case wrapped(Tree)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            self = container.decodeNil() ? .leaf : .wrapped(try container.decode(Tree.self))
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .leaf: try container.encodeNil()
            case .wrapped(let tree): try container.encode(tree)
            }
        }
    }

    @Test func depthIsBoundedOnASmallStack() throws {
        var value: WireValue = [:]
        for _ in 0..<120 { value = ["next": value] }
        let fits = value
        let encoded = onSmallStack { () -> WireValue? in
            guard let link = try? WireDecoder().decode(Link.self, from: fits) else { return nil }
            return try? WireEncoder().encode(link)
        }
        #expect(encoded == .some(fits))

        for _ in 0..<880 { value = ["next": value] }
        let deep = value
        let decoding = onSmallStack { codingError { _ = try WireDecoder().decode(Link.self, from: deep) } }
        #expect(decoding??.code == .tooDeep)

        var link = Link(nil)
        for _ in 0..<1000 { link = Link(link) }
        let chain = link
        let encoding = onSmallStack { codingError { _ = try WireEncoder().encode(chain) } }
        #expect(encoding??.code == .tooDeep)

        // Recursion without keys is bounded too.
        let endless = onSmallStack { codingError { _ = try WireDecoder().decode(Tree.self, from: 1) } }
        #expect(endless??.code == .tooDeep)
        var tree = Tree.leaf
        for _ in 0..<1000 { tree = .wrapped(tree) }
        let forest = tree
        let wrapping = onSmallStack { codingError { _ = try WireEncoder().encode(forest) } }
        #expect(wrapping??.code == .tooDeep)
    }

    struct Own: Error, Equatable {}

    struct Throwing: Codable {
        init() {}
        init(from decoder: any Decoder) throws { throw Own() }
        func encode(to encoder: any Encoder) throws { throw Own() }
    }

    @Test func errorsOfUserTypesPassThrough() {
        #expect(throws: Own()) { try encoder.encode([Throwing()]) }
        #expect(throws: Own()) { try decoder.decode([Throwing].self, from: [1]) }
    }

    @Test func userTypesMayTryOneKindAfterAnother() throws {
        enum IntOrText: Decodable, Equatable {
            case int(Int)
            case text(String)

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                do {
                    self = .int(try container.decode(Int.self))
                } catch DecodingError.typeMismatch {
                    self = .text(try container.decode(String.self))
                }
            }
        }
        #expect(try decoder.decode([IntOrText].self, from: [1, "a"]) == [.int(1), .text("a")])
    }
}
