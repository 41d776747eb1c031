extension String {
    /// The text with spaces behind it, up to a number of characters; a longer one as it is.
    ///
    /// Foundation's padding counts UTF-16, so that it cuts off what has emoji.
    package func padded(to width: Int) -> String { self + String(repeating: " ", count: Swift.max(0, width - count)) }
}
