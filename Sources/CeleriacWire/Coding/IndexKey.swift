/// A position in an array, as a coding key.
struct IndexKey: CodingKey {
    let index: Int

    init(_ index: Int) {
        self.index = index
    }

    init?(intValue: Int) {
        index = intValue
    }

    init?(stringValue: String) {
        guard let value = Int(stringValue) else { return nil }
        index = value
    }

    var intValue: Int? { index }
    var stringValue: String { String(index) }
}
