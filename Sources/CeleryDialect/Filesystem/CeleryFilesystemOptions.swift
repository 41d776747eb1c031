/// Where Celery's file transport keeps its messages. Everybody who takes part must use the same folders.
public struct CeleryFilesystemOptions: Sendable {
    /// Where messages are taken from: kombu's `data_folder_in`.
    public var dataFolderIn: String
    /// Where messages are written to: kombu's `data_folder_out`.
    public var dataFolderOut: String

    /// Makes options.
    public init(dataFolderIn: String, dataFolderOut: String) {
        self.dataFolderIn = dataFolderIn
        self.dataFolderOut = dataFolderOut
    }

    /// One folder for both ways.
    public init(folder: String) {
        self.init(dataFolderIn: folder, dataFolderOut: folder)
    }
}
