/// Why `celeriac demo` cannot go on.
struct DemoFailure: Error, CustomStringConvertible {
    let description: String
}
