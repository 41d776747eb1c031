/// Where the values of a YAML document stand, for errors about what they say.
///
/// ``WireYAML`` tells the place of what it cannot read. Who reads the meaning of a file asks here for the place of a value
/// or a key, by the path that leads to it. What an alias repeats has the place of the alias.
package struct YAMLPlaces: Sendable {
    /// A step of a path.
    package enum Step: Sendable, Hashable {
        /// To the value of an object's key.
        case key(String)
        /// To an element of an array.
        case index(Int)
    }

    /// A place in a text. Both numbers count from 1.
    package struct Place: Sendable, Hashable, CustomStringConvertible {
        /// The line.
        package let line: Int
        /// The column in it.
        package let column: Int

        /// The place as it ends the message of an error.
        package var description: String { "(line \(line), column \(column))" }
    }

    /// A container that has not ended.
    private struct Frame {
        let path: [Step]
        let isObject: Bool
        var key: String?
        var index = 0
    }

    private var values: [[Step]: Place] = [:]
    private var keys: [[Step]: Place] = [:]

    private init() {}

    /// Reads the places of a document that ``WireYAML`` has read, so that its limits hold.
    ///
    /// - Throws: `WireError` for what is not YAML.
    package init(_ bytes: [UInt8]) throws(WireError) {
        self = try bytes.withUnsafeBufferPointer { bytes throws(WireError) in
            var places = YAMLPlaces()
            try places.read(YAMLEventReader(bytes))
            return places
        }
    }

    /// Where a value stands, or else what is nearest around it; nil for a document without values.
    package func place(of path: [Step]) -> Place? {
        var path = path
        while true {
            if let place = values[path] { return place }
            if path.popLast() == nil { return nil }
        }
    }

    /// Where the key stands to which the path leads, or else the value.
    package func key(_ path: [Step]) -> Place? { keys[path] ?? place(of: path) }

    private mutating func read(_ events: consuming YAMLEventReader) throws(WireError) {
        var frames: [Frame] = []
        while true {
            let event = try events.next()
            let place = Place(line: event.place.line, column: event.place.column)
            switch event.kind {
            case .streamEnd: return
            case .documentStart, .other: continue
            case .end: _ = frames.popLast()
            case .scalar(let text, _, _, _):
                if let last = frames.indices.last, frames[last].isObject, frames[last].key == nil {
                    frames[last].key = text
                    keys[frames[last].path + [.key(text)]] = place
                } else {
                    values[Self.step(&frames)] = place
                }
            case .alias:
                if let last = frames.indices.last, frames[last].isObject, frames[last].key == nil {
                    // A key that an alias repeats: its value has the place of what is around it.
                    frames[last].key = ""
                } else {
                    values[Self.step(&frames)] = place
                }
            case .arrayStart: open(&frames, isObject: false, at: place)
            case .objectStart: open(&frames, isObject: true, at: place)
            }
        }
    }

    private mutating func open(_ frames: inout [Frame], isObject: Bool, at place: Place) {
        let path = Self.step(&frames)
        values[path] = place
        frames.append(Frame(path: path, isObject: isObject))
    }

    /// The path of the value that begins, which the container around it takes.
    private static func step(_ frames: inout [Frame]) -> [Step] {
        guard let last = frames.indices.last else { return [] }
        let path = frames[last].path
        if frames[last].isObject {
            let key = frames[last].key ?? ""
            frames[last].key = nil
            return path + [.key(key)]
        }
        let index = frames[last].index
        frames[last].index += 1
        return path + [.index(index)]
    }
}
