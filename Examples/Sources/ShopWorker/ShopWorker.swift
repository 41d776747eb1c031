import Celeriac
import CeleriacCommand
import ShopTasks

/// The Swift worker of the shop, with Celery's command line:
///
///     ShopWorker worker --broker redis://localhost/0 --result-backend redis://localhost/1 --loglevel INFO
@main struct ShopWorker: CeleryProgram {
    var settings: CelerySettings {
        var settings = CelerySettings()
        settings.configuration.routes = ShopTasks.routes
        settings.worker.queues = ["swift"]
        return settings
    }

    var tasks: [TaskHandler] {
        ShopTasks.sum.handler { amounts in
            // What comes from outside may be of any size: an overflow fails the task and does not end the process.
            try amounts.reduce(0) { sum, amount in try exact(sum.addingReportingOverflow(amount)) }
        }
        ShopTasks.discount.handler { cents, percent in
            guard (0...100).contains(percent) else {
                throw TaskFailure("ValueError", "a discount is 0 to 100 percent")
            }
            return try cents - exact(cents.multipliedReportingOverflow(by: percent)) / 100
        }
    }

    private func exact(_ result: (partialValue: Int, overflow: Bool)) throws -> Int {
        guard !result.overflow else { throw TaskFailure("OverflowError", "the amount is too large") }
        return result.partialValue
    }
}
