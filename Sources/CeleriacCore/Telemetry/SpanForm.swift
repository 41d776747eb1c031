package import CeleriacWire

/// How the instrumentation of a task system shows a span: its name and its attributes.
package struct SpanForm: Sendable, Equatable {
    /// The name.
    package var name: String
    /// The attributes: texts, numbers, flags and lists of texts. Others are left out.
    package var attributes: WireObject

    /// Makes a form.
    package init(_ name: String, attributes: WireObject = [:]) {
        self.name = name
        self.attributes = attributes
    }
}
