import ArgumentParser
import CeleriacWire
import CeleryWire

/// JSON on a command line.
enum JSONArgument {
    static func list(_ text: String) throws -> [WireValue] {
        guard let list = try value(text, "--args").arrayValue else {
            throw ValidationError("--args must be a JSON list, for example '[2, 3]'.")
        }
        return list
    }

    static func object(_ text: String) throws -> WireObject {
        guard let object = try value(text, "--kwargs").objectValue else {
            throw ValidationError("--kwargs must be a JSON object, for example '{\"x\": 2}'.")
        }
        return object
    }

    private static func value(_ text: String, _ option: String) throws -> WireValue {
        do {
            return try WireJSON.decode(Array(text.utf8), limits: .celery)
        } catch {
            throw ValidationError("\(option) is not valid JSON: \(error)")
        }
    }
}
