import CeleriacWire

/// Small pieces of JSON.
enum JSONText {
    /// A string as a JSON string, quoted and escaped as Python does.
    static func quoted(_ text: String) -> String {
        guard let bytes = try? WireJSON.encode(.string(text), style: .python) else { return "\"\"" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
