/// A step through a YAML document.
struct YAMLEvent {
    let kind: Kind
    let place: Place

    enum Kind {
        case documentStart
        case streamEnd
        case alias(String)
        /// Text; `isPlain` says that it stands without quotation marks and tag, so that its look decides its type.
        case scalar(String, tag: String?, isPlain: Bool, anchor: String?)
        case arrayStart(tag: String?, anchor: String?)
        case objectStart(tag: String?, anchor: String?)
        case end
        case other
    }

    /// Where an event starts; both count from 1.
    struct Place {
        let line: Int
        let column: Int

        func error(_ code: WireError.Code, _ message: String) -> WireError {
            WireError(code, "\(message) (line \(line), column \(column))")
        }
    }
}
