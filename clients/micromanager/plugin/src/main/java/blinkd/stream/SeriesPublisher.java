package blinkd.stream;

import java.util.HashMap;
import java.util.Map;

/**
 * One series: numbers its frames, follows its tiles, and says at each end what became of the frames.
 *
 * <p>In: tiles, headers with what is known of a frame, pixels. Out: messages in the outbox. Never: a wait, a
 * number that is given twice. For one thread; {@link #counts} for any.
 */
public final class SeriesPublisher {
    private final Outbox outbox;
    private final SeriesStart series;
    private final boolean heartbeats;
    private final Runnable afterwards;
    private final byte[] startPart0;
    private final Account account = new Account();
    private final Map<Integer, Progress> visited = new HashMap<>();
    private Tile tile;
    private Progress progress;
    private long nextSeq;
    private volatile boolean ended;

    /** {@code afterwards} is done when the series' end has left the queue. The description must not change any more. */
    SeriesPublisher(Outbox outbox, SeriesStart series, boolean heartbeats, Runnable afterwards) {
        this.outbox = outbox;
        this.series = series;
        this.heartbeats = heartbeats;
        this.afterwards = afterwards;
        startPart0 = EnvelopeWriter.seriesStart(series);
    }

    void begin() {
        outbox.control(Item.control(sentUnixNs -> startPart0));
    }

    /** The description as it is told again to a daemon that comes. */
    byte[] startPart0() {
        return startPart0;
    }

    boolean wantsHeartbeat() {
        return heartbeats && !ended;
    }

    byte[] heartbeat(long sendUnixNs) {
        return EnvelopeWriter.heartbeat(series.seriesId, sendUnixNs);
    }

    /**
     * Begins a tile, or returns to one; one that is still open ends. At a new tile, but the first, the series is
     * described again, for a daemon that came late.
     */
    public void beginTile(Tile next) {
        boolean first = tile == null && nextSeq == 0;
        endTile();
        boolean seen = visited.containsKey(next.index);
        tile = next;
        progress = visited.computeIfAbsent(next.index, index -> new Progress());
        if (!first && !seen) {
            begin();
        }
    }

    /**
     * Offers a frame; it gets its number here, whatever becomes of it. False: it found no room, and was dropped and
     * counted. {@code header} is the caller's gift; what the series knows is filled in.
     */
    public boolean frame(FrameHeader header, Object pixels) {
        if (tile == null) {
            beginTile(new Tile(0, 0, 0, series.expectedTiles == 1 ? (int) series.expectedFrames : 0));
        }
        header.seriesId = series.seriesId;
        header.seq = nextSeq++;
        header.tileIndex = tile.index;
        header.tileRow = tile.row;
        header.tileColumn = tile.column;
        header.framesPerTile = tile.frames;
        header.frameInTile = progress.nextFrame++;
        header.droppedTotal = counts().dropped;
        progress.captured++;
        boolean taken = outbox.offer(Item.frame(
                sentUnixNs -> {
                    header.sendUnixNs = sentUnixNs;
                    return EnvelopeWriter.frame(header);
                },
                pixels,
                account));
        if (!taken) {
            progress.dropped++;
        }
        return taken;
    }

    /** The next frame is no neighbour in time of the last one, though no frame is missing: another focus, say. */
    public void breakBurst() {
        if (tile != null && progress.captured > 0) {
            progress.nextFrame++;
        }
    }

    /** Ends the series. Returns at once; the totals are those of the moment when the end is sent. */
    public void end(EndReason reason) {
        ended = true;
        endTile();
        long lastSeq = Math.max(nextSeq - 1, 0);
        boolean taken = outbox.control(Item.last(
                sentUnixNs -> EnvelopeWriter.seriesEnd(series.seriesId, reason, counts(), lastSeq), afterwards));
        if (!taken) {
            afterwards.run();
        }
    }

    /** The account of this series' frames. */
    public Counts counts() {
        return outbox.counts(account);
    }

    private void endTile() {
        if (tile == null) {
            return;
        }
        byte[] end = EnvelopeWriter.tileEnd(series.seriesId, tile.index, progress.captured, progress.dropped);
        tile = null;
        outbox.control(Item.control(sentUnixNs -> end));
    }

    /** Of one tile, over all visits. */
    private static final class Progress {
        int nextFrame;
        long captured;
        long dropped;
    }
}
