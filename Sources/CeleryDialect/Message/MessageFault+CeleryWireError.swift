import CeleriacCore
import CeleriacQueues
import CeleriacWire
import CeleryWire

extension MessageFault {
    /// The fault that an error of Celery's formats stands for.
    init(_ error: CeleryWireError) {
        self.init(reason: "\(error.code)", detail: error.field.map { "\($0): \(error.message)" } ?? error.message)
    }
}

extension ParkedMessageFormat {
    /// How Celery's workers of this package write down messages that they keep aside.
    static let celery = ParkedMessageFormat(
        style: .python, text: { CeleryTime.text($0) }, date: { CeleryTime.date($0) })
}
