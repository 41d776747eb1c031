/// Day arithmetic of the Gregorian calendar, for any year. Dates, time zones, cron expressions and Go's times use it.
package enum CivilDate {
    /// The number of a day; 0 is 1 January 1970.
    package static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
        // Counted from March, the leap day is the last day of a year.
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The date of a day, counted from 1 January 1970.
    package static func of(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
        let days = days + 719_468
        let era = (days >= 0 ? days : days - 146_096) / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    /// How many days a month (1 to 12) has.
    package static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// The weekday of a day, counted from 1 January 1970: 0 is Sunday.
    package static func weekday(daysSince1970 days: Int) -> Int {
        // 1 January 1970 was a Thursday.
        (days + 4).flooringRemainder(dividingBy: 7)
    }

    /// The English names of the months by their first three letters, January first.
    package static let monthNames = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]

    /// The English names of the weekdays by their first three letters, Sunday first.
    package static let weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
}

extension Int {
    /// The quotient, rounded down, and a remainder that is never negative for a positive divisor.
    package func flooringQuotientAndRemainder(dividingBy divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    fileprivate func flooringRemainder(dividingBy divisor: Int) -> Int {
        flooringQuotientAndRemainder(dividingBy: divisor).remainder
    }
}
