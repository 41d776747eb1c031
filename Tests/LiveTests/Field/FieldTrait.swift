import Foundation
import Testing

extension Trait where Self == ConditionTrait {
    /// For tests that take longer than half a minute.
    static var field: Self {
        .enabled(if: ProcessInfo.processInfo.environment["CELERIAC_FIELD"] != nil, "Scripts/check field runs it")
    }
}
