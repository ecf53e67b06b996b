package blinkd.stream;

import java.io.Closeable;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A PULL socket that a test can stall, kill and start again on the same port.
 *
 * <p>In: connections, one at a time. Out: messages, read with the daemon's checks. Never: a wait without a limit.
 */
public final class FakeDaemon implements Closeable {
    private static final long PATIENCE_S = 20;

    private final int port;
    private final BlockingQueue<Envelope> messages = new LinkedBlockingQueue<>();
    private final CountDownLatch reading = new CountDownLatch(1);
    private final ServerSocket server;
    private volatile Socket peer;
    private volatile boolean closed;

    private FakeDaemon(int wantedPort, boolean reads) throws IOException {
        server = new ServerSocket();
        server.setReuseAddress(true);
        server.setReceiveBufferSize(8192); // so that a stall is soon felt
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), wantedPort));
        port = server.getLocalPort();
        if (reads) {
            reading.countDown();
        }
        Thread thread = new Thread(this::serve, "fake-daemon");
        thread.setDaemon(true);
        thread.start();
    }

    public static FakeDaemon start() throws IOException {
        return new FakeDaemon(0, true);
    }

    /** Shakes hands and then reads nothing until {@link #read}. */
    public static FakeDaemon stalled() throws IOException {
        return new FakeDaemon(0, false);
    }

    /** Another one where this one was. */
    public FakeDaemon again() throws IOException {
        return new FakeDaemon(port, true);
    }

    public String endpoint() {
        return "tcp://127.0.0.1:" + port;
    }

    public void read() {
        reading.countDown();
    }

    /** The next message but heartbeats; fails when none comes. */
    Envelope next() throws InterruptedException {
        for (Envelope message = poll(); ; message = poll()) {
            if (message == null) {
                throw new AssertionError("no message came within " + PATIENCE_S + " s");
            }
            if (message.heartbeatUnixNs == null) {
                return message;
            }
        }
    }

    /** The next heartbeat, whatever comes before it. */
    Envelope nextHeartbeat() throws InterruptedException {
        Envelope message = poll();
        while (message != null && message.heartbeatUnixNs == null) {
            message = poll();
        }
        if (message == null) {
            throw new AssertionError("no heartbeat came within " + PATIENCE_S + " s");
        }
        return message;
    }

    /** How many frames come before a series' end. */
    public int framesUntilTheEnd() {
        try {
            int frames = 0;
            for (Envelope message = next(); message.seriesEnd == null; message = next()) {
                frames += message.frame == null ? 0 : 1;
            }
            return frames;
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }

    private Envelope poll() throws InterruptedException {
        return messages.poll(PATIENCE_S, TimeUnit.SECONDS);
    }

    @Override
    public void close() throws IOException {
        closed = true;
        reading.countDown();
        server.close();
        if (peer != null) {
            peer.close();
        }
    }

    private void serve() {
        while (!closed) {
            try (Socket socket = server.accept()) {
                peer = socket;
                if (!closed) {
                    receive(socket);
                }
            } catch (IOException | InterruptedException gone) {
                // The peer or this server was closed: the next peer, or the end.
            }
        }
    }

    private void receive(Socket socket) throws IOException, InterruptedException {
        DataInputStream in = new DataInputStream(socket.getInputStream());
        OutputStream out = socket.getOutputStream();
        out.write(ZmtpHandshake.greeting());
        in.readFully(new byte[ZmtpHandshake.GREETING_BYTES]);
        byte[] ready = ZmtpHandshake.ready();
        System.arraycopy(new byte[] {'P', 'U', 'L', 'L'}, 0, ready, ready.length - 4, 4);
        out.write(ready);
        part(in, in.readByte());
        reading.await();
        while (true) {
            byte flags = in.readByte();
            byte[] part0 = part(in, flags);
            byte[] part1 = (flags & ZmtpHandshake.MORE) == 0 ? null : part(in, in.readByte());
            messages.add(Receiver.read(part0, part1));
        }
    }

    private static byte[] part(DataInputStream in, byte flags) throws IOException {
        long size = (flags & ZmtpHandshake.LONG) == 0 ? in.readUnsignedByte() : in.readLong();
        if (size > 1 << 24) {
            throw new UncheckedIOException(new IOException("a part of " + size + " bytes"));
        }
        byte[] part = new byte[(int) size];
        in.readFully(part);
        return part;
    }
}
