import Glibc
package import NIOCore
import NIOPosix

/// Reports when files in a folder appear or change.
///
/// The kernel reports changes made on this machine (inotify). The watch also checks the folder every five seconds,
/// since the kernel does not see what other machines do in a network file system. Where the kernel reports nothing at
/// all, it checks every second.
package final class DirectoryWatch: Sendable {
    private let channel: (any Channel)?
    private let timer: RepeatedTask

    private init(channel: (any Channel)?, timer: RepeatedTask) {
        self.channel = channel
        self.timer = timer
    }

    /// Starts watching a folder. The event loop calls `onChange` for every change, and occasionally when nothing has
    /// changed.
    package static func start(
        _ folder: String, eventLoop: any EventLoop, onChange: @escaping @Sendable () -> Void
    ) async -> DirectoryWatch {
        let channel = try? await kernelWatch(folder, eventLoop: eventLoop, onChange: onChange)
        let interval: TimeAmount = channel == nil ? .seconds(1) : .seconds(5)
        let timer = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in onChange() }
        return DirectoryWatch(channel: channel, timer: timer)
    }

    /// Ends the watch.
    package func stop() {
        timer.cancel()
        channel?.close(promise: nil)
    }

    private static func kernelWatch(
        _ folder: String, eventLoop: any EventLoop, onChange: @escaping @Sendable () -> Void
    ) async throws -> (any Channel)? {
        let descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0 else { return nil }
        guard inotify_add_watch(descriptor, folder, UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO)) >= 0 else {
            close(descriptor)
            return nil
        }
        return try await NIOPipeBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ChangeHandler(onChange: onChange))
                }
            }
            .takingOwnershipOfDescriptor(input: descriptor).get()
    }
}

/// Turns anything the kernel reports into one call.
private final class ChangeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let onChange: @Sendable () -> Void

    init(onChange: @escaping @Sendable () -> Void) { self.onChange = onChange }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
    func channelReadComplete(context: ChannelHandlerContext) { onChange() }
}
