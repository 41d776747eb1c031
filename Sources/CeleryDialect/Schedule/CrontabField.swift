/// One field of a ``Crontab``: text in Celery's grammar, or numbers.
///
/// ```
/// groups  = expr ("," expr)*
/// expr    = ("*" | number "-" number) ["/" step] | number
/// number  = digits | name of a weekday or month, of which the first three letters count
/// ```
///
/// Ranges wrap (`22-2`, `fri-mon`), and steps count from the first number of the range.
public enum CrontabField: Sendable, Hashable {
    /// In Celery's grammar, for instance `1,13,30-45,50-59/2`.
    case text(String)
    /// The numbers themselves.
    case numbers([Int])

    /// Every number: `*`.
    public static let any = CrontabField.text("*")

    /// The numbers that the field stands for, ascending.
    func expanded(_ name: String, _ range: ClosedRange<Int>) throws(CrontabError) -> [Int] {
        let numbers: Set<Int>
        switch self {
        case .text(let text): numbers = try CrontabParser(field: name, range: range).parse(text)
        case .numbers(let given): numbers = Set(given)
        }
        guard !numbers.isEmpty else { throw CrontabError(.emptyField, "\(name) has no numbers: use '*' for all") }
        for number in numbers where !range.contains(number) {
            throw CrontabError(.outOfRange, "\(name) is \(range.lowerBound) to \(range.upperBound), not \(number)")
        }
        return numbers.sorted()
    }
}

extension CrontabField: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    /// Text in Celery's grammar.
    public init(stringLiteral text: String) { self = .text(text) }

    /// One number.
    public init(integerLiteral number: Int) { self = .numbers([number]) }

    /// The numbers themselves.
    public init(arrayLiteral numbers: Int...) { self = .numbers(numbers) }
}
