package blinkd.stream;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A connection to a daemon for the series of one acquisition: outbox, sender thread, and the series that are open.
 *
 * <p>In: series. Out: their frames, as far as a daemon takes them. Never: a wait of the caller, not even to close.
 */
public final class FrameStream {
    /** Pixels that may wait, whatever the number of frames. */
    public static final long QUEUE_BYTES_MAX = 256L << 20;

    private final Outbox outbox;
    private final List<SeriesPublisher> open = new CopyOnWriteArrayList<>();
    private final Link link;
    private final Thread thread;

    private FrameStream(Endpoint endpoint, int queueFrames, Clock clock, Log log) {
        outbox = new Outbox(queueFrames, QUEUE_BYTES_MAX);
        link = new Link(endpoint, outbox, open, clock, log);
        thread = new Thread(link, "blinkd-sender");
        thread.setDaemon(true);
    }

    /** Begins to connect and returns at once. */
    public static FrameStream open(Endpoint endpoint, int queueFrames, Clock clock, Log log) {
        FrameStream stream = new FrameStream(endpoint, queueFrames, clock, log);
        stream.thread.start();
        return stream;
    }

    /** Begins a series. {@code heartbeats}: signs of life while no frame comes, so that the daemon keeps it open. */
    public SeriesPublisher begin(SeriesStart start, boolean heartbeats) {
        SeriesPublisher[] made = new SeriesPublisher[1];
        made[0] = new SeriesPublisher(outbox, start, heartbeats, () -> open.remove(made[0]));
        made[0].begin();
        open.add(made[0]);
        return made[0];
    }

    /** Takes nothing from now on. The sender thread hands over what waits, as long as it gets on, and then ends. */
    public void close() {
        outbox.close();
    }

    /** Of all series so far. */
    public Counts counts() {
        return outbox.counts();
    }

    public boolean isConnected() {
        return link.isConnected();
    }

    /** Whether the sender thread still has something to do. */
    public boolean isRunning() {
        return thread.isAlive();
    }

    /** The last thing that went wrong and has not been put right; empty: nothing. */
    public String trouble() {
        return link.trouble();
    }

    /** Control messages that no daemon took in time. */
    public long controlsLost() {
        return outbox.controlsLost();
    }
}
