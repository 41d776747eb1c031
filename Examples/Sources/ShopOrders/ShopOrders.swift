import Celeriac
import Foundation
import ShopTasks

/// Sends an order through both languages and prints its receipt. `CELERY_BROKER_URL` and `CELERY_RESULT_BACKEND` say
/// where.
@main enum ShopOrders {
    static func main() async {
        do {
            try await order()
        } catch {
            // What leaves `main` would end the process as a crash.
            try? FileHandle.standardError.write(contentsOf: Data("Error: \(error)\n".utf8))
            exit(1)
        }
    }

    private static func order() async throws {
        var settings = try CelerySettings(environment: ProcessInfo.processInfo.environment)
        settings.configuration.routes = ShopTasks.routes
        let celery = try CeleryApp(settings: settings)
        let prices = group([ShopTasks.price("apple", 3), ShopTasks.price("pear", 2)])
        let receipt = prices.then(ShopTasks.sum).then(ShopTasks.discount, 10).then(ShopTasks.receipt)
        print(try await celery.send(receipt).get(timeout: .seconds(60)))
        await celery.close()
    }
}
