import CeleriacWire

/// A value that stands for several arguments.
protocol SeveralArguments {
    /// The arguments one by one.
    var each: [any Encodable] { get }

    /// Makes the value of arguments on the wire.
    init(_ arguments: ArraySlice<WireValue>, coding: any CallCoding) throws
}
