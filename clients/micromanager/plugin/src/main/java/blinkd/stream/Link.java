package blinkd.stream;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The sender thread: takes the head of the outbox to a daemon that may come late, leave and come back.
 *
 * <p>In: the outbox. Out: messages on one connection at a time. Never: an exception beyond this thread, a message
 * queued outside the outbox, a frame thrown away while a daemon may still come.
 */
final class Link implements Runnable {
    static final int CONNECT_MS = 2000;
    /** A control message at the head of the queue waits so long for a daemon. */
    static final long CONTROL_MS = 2000;
    /** A daemon that takes no byte for so long is given up, and connected to again. */
    static final long STALL_MS = 30_000;
    /** After the last series has ended, so long without progress, and what waits is dropped. */
    static final long CLOSING_MS = 2000;
    /** A sign of life after so long without a message. */
    static final long HEARTBEAT_MS = 1000;

    private static final long POLL_MS = 50;

    private final Endpoint endpoint;
    private final Outbox outbox;
    private final List<SeriesPublisher> open;
    private final Clock clock;
    private final Log log;
    private final Pixels pixels = new Pixels();
    private final Backoff backoff = new Backoff();
    private ZmtpPush push;
    private Item head;
    private long headSinceMs;
    private long lastSentMs;
    private long connectedAtMs;
    /** The last connection broke at once: one that does so again and again is logged the first time. */
    private boolean brief;

    private boolean absenceLogged;
    private boolean encodingLogged;
    private volatile boolean connected;
    private volatile String trouble = "";

    Link(Endpoint endpoint, Outbox outbox, List<SeriesPublisher> open, Clock clock, Log log) {
        this.endpoint = endpoint;
        this.outbox = outbox;
        this.open = open;
        this.clock = clock;
        this.log = log;
    }

    boolean isConnected() {
        return connected;
    }

    /** The last thing that went wrong and has not been put right; empty: nothing. */
    String trouble() {
        return trouble;
    }

    @Override
    public void run() {
        try {
            lastSentMs = clock.monotonicMs();
            while (step()) {
                // Each step waits in the outbox or in the socket.
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        } catch (Throwable broken) { // nothing may reach the acquisition: it shows in the status and in the counts
            say("the sender has failed (" + broken + "); frames are dropped and counted from now on", broken, true);
        } finally {
            outbox.close();
            outbox.discard();
            disconnect();
        }
    }

    /** One look at connection and queue; false: closed and empty, or nothing more can be sent. */
    private boolean step() throws InterruptedException {
        keepConnection();
        Item item = outbox.head(outbox.isClosed() ? 0 : POLL_MS);
        long nowMs = clock.monotonicMs();
        if (item == null) {
            beat(nowMs);
            return !outbox.isClosed();
        }
        if (item != head) {
            head = item;
            headSinceMs = nowMs;
        }
        if (push != null && trySend(item)) {
            lastSentMs = clock.monotonicMs();
            return true;
        }
        if (outbox.isClosed() && nowMs - headSinceMs > CLOSING_MS) {
            return false;
        }
        if (!item.isFrame() && nowMs - headSinceMs > CONTROL_MS) {
            outbox.giveUp(item);
        } else if (push == null) {
            outbox.pause(POLL_MS);
        }
        return true;
    }

    /** True: the item has left the queue. */
    private boolean trySend(Item item) {
        byte[] part0;
        ByteBuffer part1;
        try {
            part0 = item.part0.apply(clock.unixNs());
            part1 = item.isFrame() ? pixels.littleEndian(item.pixels) : null;
        } catch (RuntimeException | OutOfMemoryError error) {
            say("a message could not be encoded and was dropped: " + error, error, !encodingLogged);
            encodingLogged = true;
            outbox.giveUp(item);
            return true;
        }
        if (!trySend(part0, part1)) {
            return false;
        }
        outbox.sent(item);
        return true;
    }

    private boolean trySend(byte[] part0, ByteBuffer part1) {
        try {
            push.send(part0, part1, () -> outbox.isClosed() ? CLOSING_MS : STALL_MS);
            return true;
        } catch (IOException | RuntimeException lost) {
            left(lost);
            return false;
        }
    }

    private void beat(long nowMs) {
        if (push == null || nowMs - lastSentMs < HEARTBEAT_MS) {
            return;
        }
        lastSentMs = nowMs;
        for (SeriesPublisher series : open) {
            if (push != null && series.wantsHeartbeat()) {
                trySend(series.heartbeat(clock.unixNs()), null);
            }
        }
    }

    private void keepConnection() {
        if (push != null && !push.isAlive()) {
            left(new IOException("it hung up"));
        }
        if (push != null || !backoff.isDue(clock.monotonicMs())) {
            return;
        }
        try {
            push = ZmtpPush.connect(endpoint, CONNECT_MS);
        } catch (IOException | RuntimeException error) {
            backoff.failed(clock.monotonicMs());
            say("no daemon at " + endpoint + ": " + reason(error), null, !absenceLogged);
            absenceLogged = true;
            return;
        }
        connectedAtMs = clock.monotonicMs();
        connected = true;
        absenceLogged = false;
        trouble = "";
        if (!brief) {
            log.say("connected to the daemon at " + endpoint);
        }
        // A daemon that was restarted, or came late, learns what the frames belong to.
        for (SeriesPublisher series : open) {
            if (push == null || !trySend(series.startPart0(), null)) {
                return;
            }
        }
    }

    private void left(Exception why) {
        disconnect();
        long nowMs = clock.monotonicMs();
        boolean wasBrief = brief;
        brief = nowMs - connectedAtMs < Backoff.LONGEST_MS;
        if (!brief) {
            backoff.succeeded();
        }
        backoff.failed(nowMs);
        say("the daemon at " + endpoint + " has gone (" + reason(why) + "): frames wait in the queue, and are dropped "
                + "and counted when it is full", null, !(brief && wasBrief));
    }

    private void disconnect() {
        connected = false;
        if (push != null) {
            push.close();
            push = null;
        }
    }

    /** Shows it; the log hears of it only when something has changed. */
    private void say(String what, Throwable cause, boolean isNew) {
        trouble = what;
        if (isNew) {
            log.trouble(what, cause);
        }
    }

    private static String reason(Exception error) {
        String message = error.getMessage();
        return message == null || message.isEmpty() ? error.getClass().getSimpleName() : message;
    }
}
