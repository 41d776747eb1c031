extension String {
    /// The text; nil if it is empty, where an empty text means that none was given.
    package var nonEmpty: String? { isEmpty ? nil : self }
}
