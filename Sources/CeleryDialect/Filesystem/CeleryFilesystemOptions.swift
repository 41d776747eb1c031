/// Where Celery's file transport keeps its messages. All clients and workers must use the same folders.
public struct CeleryFilesystemOptions: Sendable {
    /// The folder from which messages are taken: kombu's `data_folder_in`.
    public var dataFolderIn: String
    /// The folder to which messages are written: kombu's `data_folder_out`.
    public var dataFolderOut: String
    /// The folder with the tables of exchanges: kombu's `control_folder`. Remote control and events need it; with nil
    /// there is neither.
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
