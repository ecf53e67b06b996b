package blinkd.stream;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.function.LongSupplier;

/**
 * One connection of a ZeroMQ PUSH socket to the daemon's PULL socket.
 *
 * <p>In: whole messages of one or two parts. Out: their bytes. Never: a queue of its own, a wait without a limit, a
 * second life (a broken connection is closed, and another one is made). For one thread; {@link #close} for any.
 */
public final class ZmtpPush implements Closeable {
    /** How often a wait looks whether its limit has been moved. */
    private static final long LOOK_MS = 50;

    private static final int SHORT_MAX = 255;

    private final SocketChannel channel;
    private final Selector selector;
    private final SelectionKey key;
    private final ByteBuffer heard = ByteBuffer.allocate(512);

    private ZmtpPush(SocketChannel channel, Selector selector) throws IOException {
        this.channel = channel;
        this.selector = selector;
        channel.configureBlocking(false);
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        key = channel.register(selector, SelectionKey.OP_READ);
    }

    /** Connects and shakes hands within the time, or throws with what is wrong and its remedy. */
    public static ZmtpPush connect(Endpoint endpoint, long timeoutMs) throws IOException {
        InetSocketAddress address = new InetSocketAddress(endpoint.host, endpoint.port);
        if (address.isUnresolved()) {
            throw new UnknownHostException("no machine is called '" + endpoint.host + "'");
        }
        SocketChannel channel = SocketChannel.open();
        Selector selector = Selector.open();
        try {
            channel.socket().connect(address, (int) timeoutMs);
            ZmtpPush push = new ZmtpPush(channel, selector);
            push.shakeHands(() -> timeoutMs);
            return push;
        } catch (SocketTimeoutException silent) {
            closeBoth(channel, selector);
            throw new SocketTimeoutException("nothing that speaks ZeroMQ answered within " + timeoutMs + " ms");
        } catch (IOException | RuntimeException error) {
            closeBoth(channel, selector);
            throw error;
        }
    }

    private void shakeHands(LongSupplier patienceMs) throws IOException {
        write(patienceMs, ByteBuffer.wrap(ZmtpHandshake.greeting()));
        ZmtpHandshake.checkGreeting(read(ZmtpHandshake.GREETING_BYTES, patienceMs));
        write(patienceMs, ByteBuffer.wrap(ZmtpHandshake.ready()));
        int flags = read(1, patienceMs)[0];
        long size = read(1, patienceMs)[0] & 0xff;
        if ((flags & ZmtpHandshake.LONG) != 0) {
            byte[] rest = read(7, patienceMs);
            for (byte one : rest) {
                size = size << 8 | one & 0xff;
            }
        }
        if ((flags & ZmtpHandshake.COMMAND) == 0 || size < 1 || size > ZmtpHandshake.COMMAND_MAX_BYTES) {
            throw new ProtocolException("what listens there broke off ZeroMQ's handshake: name the daemon's "
                    + "frames.endpoint");
        }
        ZmtpHandshake.checkReady(read((int) size, patienceMs));
    }

    /**
     * Sends a message; {@code pixels} is its second part, null for none.
     *
     * <p>Throws when the peer has gone, or takes nothing for {@code patienceMs}: then it has not the whole message.
     */
    public void send(byte[] part0, ByteBuffer pixels, LongSupplier patienceMs) throws IOException {
        int more = pixels == null ? 0 : ZmtpHandshake.MORE;
        ByteBuffer head = ByteBuffer.allocate(part0.length + 18);
        putHead(head, part0.length, more);
        head.put(part0);
        if (pixels == null) {
            flip(head);
            write(patienceMs, head);
        } else {
            putHead(head, pixels.remaining(), 0);
            flip(head);
            write(patienceMs, head, pixels);
        }
    }

    /** Hears what the peer says, which is nothing that concerns a PUSH socket. False: it has gone. */
    public boolean isAlive() {
        try {
            return hear();
        } catch (IOException gone) {
            return false;
        }
    }

    @Override
    public void close() {
        closeBoth(channel, selector);
    }

    private static void putHead(ByteBuffer to, int size, int more) {
        if (size > SHORT_MAX) {
            to.put((byte) (more | ZmtpHandshake.LONG)).putLong(size);
        } else {
            to.put((byte) more).put((byte) size);
        }
    }

    private void write(LongSupplier patienceMs, ByteBuffer... parts) throws IOException {
        long lastMs = Clock.SYSTEM.monotonicMs();
        while (parts[parts.length - 1].hasRemaining() || parts[0].hasRemaining()) {
            if (channel.write(parts) > 0) {
                lastMs = Clock.SYSTEM.monotonicMs();
                continue;
            }
            waitFor(SelectionKey.OP_WRITE | SelectionKey.OP_READ, lastMs, patienceMs);
            if (!hear()) {
                throw new EOFException("the daemon has gone");
            }
        }
    }

    private byte[] read(int count, LongSupplier patienceMs) throws IOException {
        ByteBuffer into = ByteBuffer.allocate(count);
        long startedMs = Clock.SYSTEM.monotonicMs();
        while (into.hasRemaining()) {
            int got = channel.read(into);
            if (got < 0) {
                throw new EOFException("what listens there hung up during ZeroMQ's handshake");
            }
            if (got == 0) {
                waitFor(SelectionKey.OP_READ, startedMs, patienceMs);
            }
        }
        return into.array();
    }

    private boolean hear() throws IOException {
        int got;
        do {
            ((java.nio.Buffer) heard).clear();
            got = channel.read(heard);
        } while (got > 0);
        return got == 0;
    }

    private void waitFor(int what, long sinceMs, LongSupplier patienceMs) throws IOException {
        key.interestOps(what);
        selector.select(LOOK_MS);
        selector.selectedKeys().clear();
        long waitedMs = Clock.SYSTEM.monotonicMs() - sinceMs;
        if (waitedMs > patienceMs.getAsLong()) {
            throw new SocketTimeoutException("the daemon has taken nothing for " + waitedMs + " ms");
        }
    }

    private static void flip(ByteBuffer buffer) {
        ((java.nio.Buffer) buffer).flip(); // Java 8's own
    }

    private static void closeBoth(SocketChannel channel, Selector selector) {
        try {
            selector.close();
        } catch (IOException error) {
            // There is nothing left that could be lost.
        }
        try {
            channel.close();
        } catch (IOException error) {
            // As above.
        }
    }
}
