/// A crontab that Celery refuses, or that could never run.
public struct CrontabError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, as a value to switch over. New codes may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String {
            case emptyPart, emptyStep, badStep, negativeNumber, unknownName, outOfRange, impossibleDate, fieldCount,
                emptyField
        }
        private let base: Base

        /// Nothing before, between or after commas.
        public static let emptyPart = Code(base: .emptyPart)
        /// A `/` without a step.
        public static let emptyStep = Code(base: .emptyStep)
        /// A step that is 0 or no number.
        public static let badStep = Code(base: .badStep)
        /// A number below 0.
        public static let negativeNumber = Code(base: .negativeNumber)
        /// Neither a number nor the name of a weekday or month.
        public static let unknownName = Code(base: .unknownName)
        /// A number that the field cannot have.
        public static let outOfRange = Code(base: .outOfRange)
        /// Days that are in none of the months, such as 30 February.
        public static let impossibleDate = Code(base: .impossibleDate)
        /// A line that has not five fields.
        public static let fieldCount = Code(base: .fieldCount)
        /// A field of no numbers at all.
        public static let emptyField = Code(base: .emptyField)

        /// The code's name.
        public var description: String { base.rawValue }
    }

    /// What is wrong.
    public var code: Code
    /// What is wrong, for a person.
    public var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
