package blinkd.micromanager;

import blinkd.stream.Counts;
import blinkd.stream.FrameStream;

/**
 * What the status line shows, of the stream that was used last.
 *
 * <p>In: one short note per frame from a processor, trouble when there is some. Out: snapshots. Never: a lock that a
 * processor could wait for.
 */
final class StatusBoard {
    private volatile FrameStream stream;
    private volatile String trouble = "";

    /** This stream is at work now. */
    void use(FrameStream now) {
        stream = now;
    }

    /** Trouble of the plugin itself; empty: it is over. */
    void trouble(String what) {
        trouble = what;
    }

    Status look() {
        FrameStream now = stream;
        if (now == null) {
            return new Status(false, false, Counts.NONE, trouble);
        }
        String last = trouble.isEmpty() ? now.trouble() : trouble;
        return new Status(now.isRunning(), now.isConnected(), now.counts(), last);
    }

    /** One look. */
    static final class Status {
        /** An acquisition runs, or its last frames are on their way. */
        final boolean running;

        final boolean connected;
        final Counts counts;
        /** Empty: none. */
        final String lastError;

        Status(boolean running, boolean connected, Counts counts, String lastError) {
            this.running = running;
            this.connected = connected;
            this.counts = counts;
            this.lastError = lastError;
        }
    }
}
