import CeleriacWire

/// A signature's place in a group, and the body of the chord that waits for it.
struct CeleryPlace {
    var groupID: String?
    var groupIndex: Int?
    var chord: WireValue?

    init(groupID: String? = nil, groupIndex: Int? = nil, chord: WireValue? = nil) {
        self.groupID = groupID
        self.groupIndex = groupIndex
        self.chord = chord
    }

    /// The place that options say.
    init(_ options: WireObject) {
        groupID = options["group_id"]?.stringValue
        groupIndex = options["group_index"]?.intValue
        chord = options["chord"].flatMap { $0.isNull ? nil : $0 }
    }
}
