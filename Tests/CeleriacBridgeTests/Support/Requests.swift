import CeleriacBridge
import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire
import MachineryDialect
import MachineryWire

/// Requests as the dialects read them.
enum Requests {
    static func celery(_ message: WireMessage) throws -> TaskRequest {
        try CeleryFormats().request(of: message, delivery: delivery(message, "celery"))
    }

    static func celery(
        _ args: [WireValue], _ kwargs: WireObject = [:], name: String = "add", id: String = "1",
        _ change: (inout CeleryTaskMessage) -> Void = { _ in }
    ) throws -> TaskRequest {
        var task = CeleryTaskMessage(task: name, id: id, args: args, kwargs: kwargs)
        change(&task)
        return try celery(task.encode())
    }

    static func machinery(
        _ args: [MachineryArgument], name: String = "add", id: String = "task_1",
        _ change: (inout MachinerySignature) -> Void = { _ in }
    ) throws -> TaskRequest {
        var signature = MachinerySignature(uuid: id, name: name, args: args)
        change(&signature)
        let message = WireMessage(body: try signature.encode())
        return try MachineryFormats(defaultRoutingKey: "machinery_tasks").request(
            of: message, delivery: delivery(message, "machinery_tasks"))
    }

    static func delivery(_ message: WireMessage, _ queue: String) -> Delivery {
        Delivery(content: .success(message), queue: queue, receipt: Receipt(generation: 0, tag: 0))
    }
}

extension BridgeRoute {
    static let toCelery = BridgeRoute(name: "to-celery", sourceQueue: "machinery_tasks", targetQueue: "celery")
    static let toMachinery = BridgeRoute(name: "to-machinery", sourceQueue: "celery", targetQueue: "machinery_tasks")
}

/// The reason of the fault that an expression throws; nil if it throws none.
func reason(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch let fault as MessageFault {
        return fault.reason
    } catch {
        return "\(error)"
    }
}
