/// Who sends and who runs, in the live matrix.
enum MatrixDirection: String, CaseIterable {
    case pythonToSwift = "Python → Swift"
    case swiftToPython = "Swift → Python"
}
