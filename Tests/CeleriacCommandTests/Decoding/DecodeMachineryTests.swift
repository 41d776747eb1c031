import CeleriacTestKit
import Foundation
import Testing

/// Tests the output of `celeriac decode` for messages of Machinery.
@Suite struct DecodeMachineryTests {
    private func decode(_ input: String) async throws -> (
        output: String, errors: String, status: CeleriacTestKit.ExitStatus
    ) {
        let run = try await CommandRun(["decode"], input: Array(input.utf8))
        return (run.output, run.errors, run.status)
    }

    private static let fields = [
        "dialect", "UUID", "Name", "RoutingKey", "ETA", "GroupUUID", "GroupTaskCount", "Args", "Headers", "Priority",
        "Immutable", "RetryCount", "RetryTimeout", "OnSuccess", "OnError", "ChordCallback", "BrokerMessageGroupId",
        "SQSReceiptHandle", "StopTaskDeletionOnError", "IgnoreWhenTaskNotRegistered",
    ]

    @Test func aSignatureGivesItsFieldsAsTheyStand() async throws {
        let (output, _, status) = try await decode(
            #"{"name":"add","uuid":"task_1","Args":[{"Type":"float64","Value":1.50}],"Headers":{"k":"v"}}"#)
        #expect(status == .exited(0))
        #expect(output.hasPrefix(#"{"dialect": "machinery", "UUID": "task_1", "Name": "add", "#))
        #expect(output.contains(#""Args": [{"Name": "", "Type": "float64", "Value": 1.50}]"#))
        let object = try #require(JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
        #expect(Set(object.keys) == Set(Self.fields))
    }

    @Test func anAMQPMessageOfMachineryIsTold() async throws {
        let body = Data(#"{"Name":"add"}"#.utf8).base64EncodedString()
        let (output, _, status) = try await decode(#"{"properties":{},"headers":{},"body_base64":"\#(body)"}"#)
        #expect(status == .exited(0))
        #expect(output.contains(#""dialect": "machinery""#))
    }

    @Test func whatCannotBeDecodedIsNamed() async throws {
        let (output, errors, status) = try await decode(#"{"Name":"add","Priority":300}"#)
        #expect(status == .exited(1))
        #expect(output.isEmpty)
        #expect(errors.hasPrefix("invalidField: "))
    }
}
