package blinkd.stream;

import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** A stream, and what a daemon reads of it, for tests of what is above the stream. The clock is set by hand. */
public final class Written implements Closeable {
    public final SetClock clock = new SetClock();
    public final FrameStream stream;
    /** So far read. */
    public final List<SeriesStart> starts = new ArrayList<>();

    private final FakeDaemon daemon = FakeDaemon.start();

    public Written() throws IOException {
        stream = FrameStream.open(Endpoint.parse(daemon.endpoint()), 1000, clock, new MemoryLog());
    }

    /** The next so many frames. */
    public List<FrameHeader> frames(int count) {
        List<FrameHeader> frames = new ArrayList<>();
        while (frames.size() < count) {
            Envelope message = next();
            if (message.frame != null) {
                frames.add(message.frame);
            }
        }
        return frames;
    }

    /** The next end of a series: reason, captured, sent, dropped, last seq. */
    public long[] end() {
        long[] end = null;
        while (end == null) {
            end = next().seriesEnd;
        }
        return end;
    }

    @Override
    public void close() throws IOException {
        stream.close();
        Until.holds("the sender thread has ended", () -> !stream.isRunning());
        daemon.close();
    }

    private Envelope next() {
        try {
            Envelope message = daemon.next();
            if (message.start != null) {
                starts.add(message.start);
            }
            return message;
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }

    /** Stands still until it is advanced. */
    public static final class SetClock implements Clock {
        private volatile long nowMs = 1_000_000;

        public void advance(long ms) {
            nowMs += ms;
        }

        @Override
        public long monotonicMs() {
            return nowMs;
        }

        @Override
        public long unixNs() {
            return 1_800_000_000_000_000_000L + nowMs * 1_000_000;
        }
    }
}
