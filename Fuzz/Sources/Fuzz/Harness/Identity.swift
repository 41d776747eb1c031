import CeleriacWire

/// Whether two values are the same to the last bit. `==` will not do: a NaN differs from itself, and Swift holds texts
/// equal that differ in how Unicode composes them.
func identical(_ left: WireValue, _ right: WireValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let left), .bool(let right)): left == right
    case (.int(let left), .int(let right)): left == right
    case (.number(let left), .number(let right)): identical(left, right)
    case (.double(let left), .double(let right)): left.bitPattern == right.bitPattern || left.isNaN && right.isNaN
    case (.string(let left), .string(let right)): identical(left, right)
    case (.bytes(let left), .bytes(let right)): left == right
    case (.array(let left), .array(let right)):
        left.count == right.count && zip(left, right).allSatisfy { identical($0, $1) }
    case (.object(let left), .object(let right)): identical(left, right)
    default: false
    }
}

func identical(_ left: WireObject, _ right: WireObject) -> Bool {
    left.count == right.count
        && zip(left, right).allSatisfy { identical($0.key, $1.key) && identical($0.value, $1.value) }
}

func identical(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

/// Compares messages with their headers and other properties to the last bit.
func identical(_ left: WireMessage, _ right: WireMessage) -> Bool {
    var (leftRest, rightRest) = (left, right)
    for rest in [\WireMessage.headers, \WireMessage.properties.other] {
        guard identical(left[keyPath: rest], right[keyPath: rest]) else { return false }
        leftRest[keyPath: rest] = [:]
        rightRest[keyPath: rest] = [:]
    }
    return leftRest == rightRest
}

extension WireValue {
    /// How deep arrays and objects are nested.
    var depth: Int {
        switch self {
        case .array(let elements): 1 + (elements.map(\.depth).max() ?? 0)
        case .object(let object): 1 + (object.values.map(\.depth).max() ?? 0)
        default: 0
        }
    }

    /// How many values and keys there are.
    var tokens: Int {
        switch self {
        case .array(let elements): elements.reduce(1) { $0 + $1.tokens }
        case .object(let object): object.values.reduce(1) { $0 + 1 + $1.tokens }
        default: 1
        }
    }
}
