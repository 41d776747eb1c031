public import CeleriacWire

extension MachinerySignature {
    /// The arguments, each with a value of its declared type: integers cut off to their width, bytes as `.bytes`.
    ///
    /// - Throws: ``CallError`` with the text that Go stores as the task's error.
    public func convertedArguments() throws(CallError) -> [MachineryArgument] {
        var converted: [MachineryArgument] = []
        converted.reserveCapacity(args?.count ?? 0)
        for argument in args ?? [] {
            do {
                converted.append(
                    MachineryArgument(
                        name: argument.name, type: argument.type,
                        value: try GoConversion.convert(argument.value, typeName: argument.type)))
            } catch {
                throw CallError("Reflect task args error: \(error.text)")
            }
        }
        return converted
    }
}
