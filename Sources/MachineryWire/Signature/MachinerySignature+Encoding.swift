package import CeleriacWire

extension MachinerySignature {
    /// The deepest nesting of a message. Each task of a chain adds two levels, so a chain has about 200 tasks at most.
    static let maximumDepth = 400

    /// The message: all 19 fields in Go's order and in Go's JSON.
    ///
    /// - Throws: ``MachineryWireError``: `tooDeep`, or `nonFinite` for an argument that JSON lacks.
    public func encode() throws(MachineryWireError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        try encode(into: &bytes, depth: 1)
        return bytes
    }

    private func encode(into bytes: inout [UInt8], depth: Int) throws(MachineryWireError) {
        guard depth <= Self.maximumDepth else {
            throw MachineryWireError(.tooDeep, "the workflow is nested deeper than \(Self.maximumDepth) levels")
        }
        bytes.append(key: "{\"UUID\":", text: uuid)
        bytes.append(key: ",\"Name\":", text: name)
        bytes.append(key: ",\"RoutingKey\":", text: routingKey)
        bytes.append(key: ",\"ETA\":", time: eta)
        bytes.append(key: ",\"GroupUUID\":", text: groupUUID)
        bytes.append(key: ",\"GroupTaskCount\":", number: groupTaskCount)
        bytes.append(key: ",\"Args\":")
        try Self.encode(args, into: &bytes)
        bytes.append(key: ",\"Headers\":")
        try bytes.append(value: headers.map { .object($0.sortedAsGo) } ?? .null)
        bytes.append(key: ",\"Priority\":", number: Int(priority))
        bytes.append(key: ",\"Immutable\":", flag: immutable)
        bytes.append(key: ",\"RetryCount\":", number: retryCount)
        bytes.append(key: ",\"RetryTimeout\":", number: retryTimeout)
        bytes.append(key: ",\"OnSuccess\":")
        try Self.encode(onSuccess, into: &bytes, depth: depth + 2)
        bytes.append(key: ",\"OnError\":")
        try Self.encode(onError, into: &bytes, depth: depth + 2)
        bytes.append(key: ",\"ChordCallback\":")
        if let chordCallback {
            try chordCallback.encode(into: &bytes, depth: depth + 1)
        } else {
            bytes.append(key: "null")
        }
        bytes.append(key: ",\"BrokerMessageGroupId\":", text: brokerMessageGroupID)
        bytes.append(key: ",\"SQSReceiptHandle\":", text: sqsReceiptHandle)
        bytes.append(key: ",\"StopTaskDeletionOnError\":", flag: stopTaskDeletionOnError)
        bytes.append(key: ",\"IgnoreWhenTaskNotRegistered\":", flag: ignoreWhenTaskNotRegistered)
        bytes.append(UInt8(ascii: "}"))
    }

    private static func encode(
        _ signatures: [MachinerySignature]?, into bytes: inout [UInt8], depth: Int
    ) throws(MachineryWireError) {
        guard let signatures else { return bytes.append(key: "null") }
        bytes.append(UInt8(ascii: "["))
        for (index, signature) in signatures.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            try signature.encode(into: &bytes, depth: depth)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private static func encode(_ args: [MachineryArgument]?, into bytes: inout [UInt8]) throws(MachineryWireError) {
        guard let args else { return bytes.append(key: "null") }
        bytes.append(UInt8(ascii: "["))
        for (index, argument) in args.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(key: "{\"Name\":", text: argument.name)
            bytes.append(key: ",\"Type\":", text: argument.type)
            bytes.append(key: ",\"Value\":")
            try bytes.append(value: argument.value)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: "]"))
    }
}

extension MachinerySignature {
    /// Describes a message for the command `celeriac decode`: the dialect, and all 19 fields of the signature.
    ///
    /// - Throws: ``MachineryWireError`` if the message cannot be decoded.
    package static func describe(_ bytes: [UInt8]) throws(MachineryWireError) -> WireObject {
        let signature = try decode(bytes)
        guard case .object(let object) = try GoDocument.decode(signature.encode(), limits: .default) else {
            throw MachineryWireError(.malformedJSON, "the message is not an object")
        }
        var description: WireObject = ["dialect": "machinery"]
        for (key, value) in object { description[key] = value }
        return description
    }
}
