public import CeleriacWire

extension MachineryArgument {
    /// The argument as a value, as handlers without types get it.
    public var wireValue: WireValue {
        .object(["Name": .string(name), "Type": .string(type), "Value": value])
    }

    /// Makes an argument of a value; nil when that is not an object with a `Type` and a `Value`, and a `Name` perhaps.
    public init?(wire value: WireValue) {
        guard case .object(let object) = value, case .string(let type)? = object["Type"],
            let inner = object["Value"], object.count == (object["Name"] == nil ? 2 : 3)
        else { return nil }
        self.init(name: object["Name"]?.stringValue ?? "", type: type, value: inner)
    }
}

extension MachineryResult {
    /// The result as a value.
    public var wireValue: WireValue { .object(["Type": .string(type), "Value": value]) }

    /// Makes a result of a value; nil when that is not an object with a `Type` and a `Value` only.
    public init?(wire value: WireValue) {
        guard case .object(let object) = value, case .string(let type)? = object["Type"],
            let inner = object["Value"], object.count == 2
        else { return nil }
        self.init(type: type, value: inner)
    }
}
