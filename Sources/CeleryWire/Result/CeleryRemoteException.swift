public import CeleriacWire

/// An exception as results carry it.
///
/// The type is only a name: Celeriac looks nothing up by it. Python rebuilds the exception if it has imported the
/// module, and otherwise makes a class with that name. This type has exactly Celery's fields; the runtime's
/// `RemoteTaskError` is the error to throw, for any dialect.
public struct CeleryRemoteException: Sendable, Hashable {
    /// The qualified name of the exception's class, for instance `ValueError`.
    public var excType: String
    /// The arguments of the exception.
    public var excMessage: [WireValue]
    /// The module of the class, for instance `builtins`.
    public var excModule: String?

    /// Creates an exception.
    public init(excType: String, excMessage: [WireValue] = [], excModule: String? = nil) {
        self.excType = excType
        self.excMessage = excMessage
        self.excModule = excModule
    }

    /// Reads an exception from the result that a peer stored for a failed task.
    ///
    /// Celery writes an object with three keys. Others write null, text, an object without a type, or a message that is
    /// not an array. A value without a type becomes an `Exception` with that value as its argument.
    public static func decode(_ value: WireValue) -> CeleryRemoteException {
        switch value {
        case .object(let object):
            guard let type = object["exc_type"]?.stringValue else { break }
            return CeleryRemoteException(
                excType: type, excMessage: arguments(object["exc_message"]),
                excModule: object["exc_module"]?.stringValue)
        case .array(let pairs):
            // Python also accepts a list of pairs.
            guard let object = object(pairs: pairs), let type = object["exc_type"]?.stringValue else { break }
            return CeleryRemoteException(
                excType: type, excMessage: arguments(object["exc_message"]),
                excModule: object["exc_module"]?.stringValue)
        default: break
        }
        return CeleryRemoteException(excType: "Exception", excMessage: value.isNull ? [] : [value])
    }

    /// The exception as Celery stores it.
    public func encode() -> WireValue {
        [
            "exc_type": .string(excType),
            "exc_message": .array(excMessage),
            "exc_module": excModule.map { .string($0) } ?? .null,
        ]
    }

    private static func arguments(_ value: WireValue?) -> [WireValue] {
        switch value {
        case .array(let values)?: values
        case .null?, nil: []
        case let value?: [value]
        }
    }

    private static func object(pairs: [WireValue]) -> WireObject? {
        var object: WireObject = [:]
        for pair in pairs {
            guard case .array(let parts) = pair, parts.count == 2, case .string(let key) = parts[0] else { return nil }
            object[key] = parts[1]
        }
        return object
    }
}
