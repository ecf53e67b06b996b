package blinkd.micromanager;

import blinkd.stream.Clock;
import blinkd.stream.EndReason;
import blinkd.stream.FrameHeader;
import blinkd.stream.FrameStream;
import blinkd.stream.Pixels;
import blinkd.stream.SeriesPublisher;
import blinkd.stream.SeriesStart;
import java.nio.ByteBuffer;
import java.time.ZoneId;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.micromanager.data.Coords;
import org.micromanager.data.Image;

/**
 * One acquisition: its series, one for each camera, and for each channel where there are several.
 *
 * <p>In: the plan, then images. Out: frames to the stream; an end with a reason. Never: a wait; the pixels of an image
 * that it cannot send (why is returned).
 */
final class Recording {
    /** Snap and Live have no end: after so long without an image the next one begins new series. */
    static final long LIVE_PAUSE_MS = 10_000;

    private final Plan plan;
    private final FrameStream stream;
    private final StudioCore core;
    private final Clock clock;
    private final String version;
    private final ImageReader reader;
    private final Map<String, CameraSeries> series = new HashMap<>();
    private final Map<String, CameraSeries> lastOfCamera = new HashMap<>();
    /** Made before the first image: the first random number of a Java takes tens of ms. */
    private byte[] nextId = newId();

    private long lastImageMs;

    Recording(Plan plan, FrameStream stream, StudioCore core, Clock clock, String version) {
        this.plan = plan;
        this.stream = stream;
        this.core = core;
        this.clock = clock;
        this.version = version;
        reader = new ImageReader(plan, ZoneId.systemDefault());
    }

    /** Null, or why the image is not sent. */
    String image(Image image) {
        Object pixels = image.getRawPixels();
        String trouble = image.getNumComponents() > 1
                ? "colour images cannot be sent: choose PixelType 8bit or 16bit in the Device Property Browser"
                : Pixels.trouble(pixels, image.getWidth(), image.getHeight());
        if (trouble != null) {
            return trouble;
        }
        long nowMs = clock.monotonicMs();
        if (!plan.planned && !series.isEmpty() && nowMs - lastImageMs > LIVE_PAUSE_MS) {
            endAll(EndReason.COMPLETED);
        }
        lastImageMs = nowMs;
        Coords at = image.getCoords();
        int position = Math.max(at.getIndex(Coords.STAGE_POSITION), 0);
        FrameHeader header = reader.header(image, pixels, position, clock.unixNs());
        header.coreQueueDepth = core.remainingImages();
        CameraSeries its = seriesOf(image, header, at.getIndex(Coords.CHANNEL));
        if (lastOfCamera.put(header.camera, its) != its) {
            its.breakBurst(); // the camera was in another channel meanwhile
        }
        its.offer(header, pixels, plan.tile(position), at.getIndex(Coords.Z_SLICE));
        return null;
    }

    void end() {
        endAll(null);
    }

    private CameraSeries seriesOf(Image image, FrameHeader header, int channel) {
        String key = channel + " " + header.camera;
        CameraSeries known = series.get(key);
        if (known != null && known.fits(header)) {
            return known;
        }
        if (known != null) {
            known.publisher().end(EndReason.COMPLETED);
        }
        SeriesStart start = new SeriesStart();
        start.seriesId = nextId;
        nextId = newId();
        start.startUnixNs = clock.unixNs();
        plan.describe(start, version, channel);
        ImageReader.describe(start, image.getMetadata());
        CameraSeries made = new CameraSeries(stream.begin(start, plan.planned), header);
        series.put(key, made);
        return made;
    }

    private void endAll(EndReason given) {
        for (CameraSeries one : series.values()) {
            one.publisher().end(given == null ? reason(one.publisher()) : given);
        }
        series.clear();
    }

    /** Micro-Manager says only that it is over. */
    private EndReason reason(SeriesPublisher one) {
        if (one.counts().captured >= plan.expectedFrames()) {
            return EndReason.COMPLETED;
        }
        return core.overflowed() ? EndReason.OVERFLOW : EndReason.ABORTED;
    }

    private static byte[] newId() {
        UUID id = UUID.randomUUID();
        return ByteBuffer.allocate(16)
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .array();
    }
}
