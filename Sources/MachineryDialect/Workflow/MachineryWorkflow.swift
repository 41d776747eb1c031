import CeleriacCore
package import MachineryWire

/// What can be sent in Machinery's own form.
package enum MachineryWorkflow: NativeSignature {
    /// A task as it stands, with all that it carries.
    case signature(MachinerySignature)
    /// Tasks one after the other.
    case chain(MachineryChain)
    /// Tasks side by side.
    case group(MachineryGroup)
    /// Tasks side by side, and one after them.
    case chord(MachineryChord)
}
