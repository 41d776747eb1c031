/// The key under which a keyed container keeps a superclass.
struct SuperKey: CodingKey {
    init() {}

    init?(intValue: Int) {
        nil
    }

    init?(stringValue: String) {
        nil
    }

    var intValue: Int? { nil }
    var stringValue: String { "super" }
}
