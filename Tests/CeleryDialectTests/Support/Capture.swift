import CeleriacWire
import Foundation

/// A capture of real Celery, from `Compat/celery`.
enum Capture {
    static func named(_ name: String) throws -> WireValue {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = root.appending(path: "Compat/celery/\(name).json")
        return try WireJSON.decode([UInt8](Data(contentsOf: file)))
    }
}
