import Celeriac

/// The tasks of the shop, which producers and workers share: Python serves those at the queue `shop`, Swift those at
/// `swift`.
public enum ShopTasks {
    /// Where the tasks go by their names, as `task_routes` says in `shop.py`. A worker needs it for what follows from its
    /// tasks: the next step of a chain that Python has sent names no queue.
    public static let routes: TaskRoutes = ["shop.*": "shop", "totals.*": "swift"]

    /// Python: what so many pieces of an article cost, in cents.
    public static let price = TaskDefinition<String, Int, Int>("shop.price", parameters: "article", "pieces")
    /// Python: the text on the receipt.
    public static let receipt = TaskDefinition<Int, String>("shop.receipt", parameters: "cents")
    /// Swift: the sum of amounts in cents.
    public static let sum = TaskDefinition<[Int], Int>("totals.sum", parameters: "amounts")
    /// Swift: an amount in cents less a discount.
    public static let discount = TaskDefinition<Int, Int, Int>(
        "totals.discount", parameters: "cents", TaskParameter("percent", default: 0))
}
