/// How an argument type takes its values.
enum ArgumentKind: Sendable {
    case single, optional, rest, keywordRest

    init(_ type: any Any.Type) {
        switch type {
        case is any RestArgument.Type: self = .rest
        case is any KeywordRestArgument.Type: self = .keywordRest
        case is any OptionalArgument.Type: self = .optional
        default: self = .single
        }
    }
}

private protocol RestArgument {}
private protocol KeywordRestArgument {}
private protocol OptionalArgument {}
extension Rest: RestArgument {}
extension KeywordRest: KeywordRestArgument {}
extension Optional: OptionalArgument {}
