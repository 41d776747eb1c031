/// Bytes that arrive in pieces. The last bytes of the input say where they are cut, so that the fuzzer finds cuts that
/// matter.
struct Pieces {
    /// All bytes, without those that say where to cut.
    let whole: [UInt8]
    /// The same bytes in pieces, none of which is empty.
    let pieces: [ArraySlice<UInt8>]

    init(_ input: [UInt8]) {
        let cuts = input.suffix(min(4, input.count / 8))
        whole = Array(input.dropLast(cuts.count))
        var rest = whole[...]
        var pieces: [ArraySlice<UInt8>] = []
        for cut in cuts where !rest.isEmpty {
            pieces.append(rest.prefix(Int(cut) + 1))
            rest = rest.dropFirst(Int(cut) + 1)
        }
        if !rest.isEmpty { pieces.append(rest) }
        self.pieces = pieces
    }
}
