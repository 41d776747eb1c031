extension Int {
    /// One more, or the same where there is no more: the number came from outside.
    package var nextOrLast: Int { self < .max ? self + 1 : self }
}
