import Glibc

#if FUZZER
/// The target that the environment names.
private let selected: FuzzTarget = {
    let name = getenv("CELERIAC_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget.named(name) else {
        say("CELERIAC_FUZZ_TARGET must be one of \(FuzzTarget.all.map(\.name).joined(separator: " "))")
        exit(64)
    }
    return target
}()

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    selected.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}
#else
/// Replays files: `Fuzz TARGET FILE...`. Without arguments it lists the targets.
@main enum Fuzz {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        guard let name = arguments.first else {
            for target in FuzzTarget.all { print(target.name) }
            return
        }
        guard let target = FuzzTarget.named(name) else {
            say("There is no target \(name); without arguments this program lists them.")
            exit(64)
        }
        for path in arguments.dropFirst() {
            guard let content = read(path) else {
                say("\(path) cannot be read.")
                exit(66)
            }
            target.run(content)
        }
        print("\(name): \(arguments.count - 1) inputs, no finding")
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var content: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&part, 1, part.count, file), count > 0 { content += part[..<count] }
        return ferror(file) == 0 ? content : nil
    }
}
#endif
