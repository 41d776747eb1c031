import Celeriac
import CeleryWire

/// Signatures of the suite's tasks.
enum Signatures {
    static let prefix = "t.integration.tasks."

    static func task(
        _ name: String, _ arguments: [WireValue] = [], _ keywords: WireObject = [:], immutable: Bool = false
    ) -> CelerySignature {
        CelerySignature(task: prefix + name, args: arguments, kwargs: keywords, immutable: immutable)
    }

    static func chord(_ header: [CelerySignature], _ body: CelerySignature) -> CelerySignature {
        .chord(.group(header), body: body)
    }
}
