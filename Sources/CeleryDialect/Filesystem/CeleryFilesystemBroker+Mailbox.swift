import CeleriacWire

extension CeleryFilesystemBroker: CeleryMailboxBroker {
    func mailbox(nodeName: String, names: CeleryControlNames) -> (any CeleryMailbox)? {
        guard let controlFolder = options.controlFolder,
            (try? FileStore.validateName("\(names.queue(ofNode: nodeName)).msg")) != nil
        else { return nil }
        return CeleryFilesystemMailbox(
            broker: self, controlFolder: controlFolder, nodeName: nodeName, names: names)
    }

    var controlFacts: WireObject {
        controlFacts(
            host: nil, user: nil, virtualHost: "/", port: 0, isEncrypted: false, transport: "filesystem",
            loginMethod: nil)
    }
}
