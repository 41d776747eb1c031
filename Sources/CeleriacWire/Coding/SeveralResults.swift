/// A value that stands for several results.
package protocol SeveralResults {
    /// The results one by one.
    var each: [any Encodable] { get }

    /// Makes the value of results on the wire; nil if they are not as many as its types.
    init?(_ results: [WireValue], coding: any CallCoding) throws
}
