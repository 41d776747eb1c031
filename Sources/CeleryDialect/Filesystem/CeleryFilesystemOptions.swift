/// Where Celery's file transport keeps its messages. Everybody who takes part must use the same folders.
public struct CeleryFilesystemOptions: Sendable {
    /// Where messages are taken from: kombu's `data_folder_in`.
    public var dataFolderIn: String
    /// Where messages are written to: kombu's `data_folder_out`.
    public var dataFolderOut: String
    /// Where the tables of exchanges are: kombu's `control_folder`. Remote control and events need it; nil for neither.
    public var controlFolder: String?

    /// Creates options.
    public init(dataFolderIn: String, dataFolderOut: String, controlFolder: String? = nil) {
        self.dataFolderIn = dataFolderIn
        self.dataFolderOut = dataFolderOut
        self.controlFolder = controlFolder
    }

    /// Creates options with one folder for both directions.
    public init(folder: String, controlFolder: String? = nil) {
        self.init(dataFolderIn: folder, dataFolderOut: folder, controlFolder: controlFolder)
    }
}
