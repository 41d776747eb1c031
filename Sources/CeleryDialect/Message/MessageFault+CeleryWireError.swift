import CeleriacCore
import CeleryWire

extension MessageFault {
    /// The fault that an error of Celery's formats stands for.
    init(_ error: CeleryWireError) {
        self.init(reason: "\(error.code)", detail: error.field.map { "\($0): \(error.message)" } ?? error.message)
    }
}
