// What a user of the umbrella needs without importing its floors.
@_exported public import CeleriacCore
@_exported public import CeleriacWire
@_exported public import CeleryDialect
@_exported public import CeleryWire
@_exported public import MachineryDialect
@_exported public import MachineryWire
