import OrderedCollections

/// A key while its object is being read, with a summary by which most keys are told apart without comparing text.
struct ObjectKey {
    let text: String
    /// Differs for different ASCII keys in most cases and never for equal ones; 0 when the key is not plain ASCII.
    let summary: UInt64

    @inline(__always)
    init(_ text: String) {
        self.text = text
        self.summary = 0
    }

    /// Makes an object of keys and values in their order. Of equal keys the last value stands at the first's place.
    static func makeObject(
        keys: ArraySlice<ObjectKey>, values: ArraySlice<WireValue>
    ) throws(WireError) -> WireObject {
        var object = WireObject(minimumCapacity: keys.count)
        for (key, value) in zip(keys, values) {
            if object.updateValue(value, forKey: key.text) != nil {
                try checkSameBytes(object, key.text)
            }
        }
        return object
    }

    /// Swift's strings are equal when Unicode says so; a peer's are when their code points are.
    static func checkSameBytes(_ object: WireObject, _ key: String) throws(WireError) {
        guard let index = object.index(forKey: key), object.keys[index].utf8.elementsEqual(key.utf8) else {
            throw WireError(
                .ambiguousKey, "two keys of one object differ only in how Unicode composes them; normalize keys before sending")
        }
    }
}
