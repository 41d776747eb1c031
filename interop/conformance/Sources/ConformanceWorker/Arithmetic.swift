import Celeriac

/// Python's `+` and `*` for the operands that the tests use.
enum Arithmetic {
    static func add(_ left: WireValue, _ right: WireValue) throws -> WireValue {
        switch (left, right) {
        case (.int(let left), .int(let right)):
            let (sum, overflow) = left.addingReportingOverflow(right)
            if !overflow { return .int(sum) }
        case (.string(let left), .string(let right)): return .string(left + right)
        case (.array(let left), .array(let right)): return .array(left + right)
        default:
            if let left = left.doubleValue, let right = right.doubleValue { return .double(left + right) }
        }
        throw TaskFailure("TypeError", "unsupported operand type(s) for +")
    }

    static func multiply(_ left: WireValue, _ right: WireValue) throws -> WireValue {
        if case .int(let left) = left, case .int(let right) = right {
            let (product, overflow) = left.multipliedReportingOverflow(by: right)
            if !overflow { return .int(product) }
        } else if let left = left.doubleValue, let right = right.doubleValue {
            return .double(left * right)
        }
        throw TaskFailure("TypeError", "unsupported operand type(s) for *")
    }

    static func sum(_ values: [WireValue]) throws -> WireValue {
        try values.reduce(.int(0)) { try add($0, $1) }
    }
}

extension WireValue {
    /// Whether Python treats the value as true.
    var isTruthy: Bool {
        switch self {
        case .null, .bool(false), .int(0), .double(0), .string(""): false
        case .array(let values): !values.isEmpty
        case .object(let object): !object.isEmpty
        default: true
        }
    }
}
