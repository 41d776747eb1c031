public import CeleriacWire

/// Writes arguments as Celery's `saferepr` shows them: Python literals, cut at a length and a depth.
///
/// Nothing parses this text; logs, events and Flower show it. It is the same text that Celery 5.7 makes of the same
/// values, except where the wire lost a type: a tuple inside an argument comes out as a list.
public struct PythonRepr: Sendable, Hashable {
    /// About how many characters come out at most; the closing brackets are not counted. 1,024 unless set.
    public var maximumLength: Int
    /// How deep containers are shown; deeper ones are `[...]` or `{...}`. 3 unless set.
    public var maximumDepth: Int

    /// Makes a writer with limits.
    public init(maximumLength: Int = 1024, maximumDepth: Int = 3) {
        self.maximumLength = maximumLength
        self.maximumDepth = maximumDepth
    }

    /// Positional arguments as a tuple: `(2, 3)`, `(2,)`, `()`.
    public func text(args: [WireValue]) -> String {
        var writer = PythonReprWriter(limits: self)
        writer.writeTuple(args)
        return writer.output
    }

    /// Keyword arguments as a dict: `{'k': 1}`.
    public func text(kwargs: WireObject) -> String {
        var writer = PythonReprWriter(limits: self)
        writer.write(.object(kwargs))
        return writer.output
    }

    /// Any value, as Celery writes results and exceptions into events.
    public func text(of value: WireValue) -> String {
        var writer = PythonReprWriter(limits: self)
        writer.write(value)
        return writer.output
    }
}
