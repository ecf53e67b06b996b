package blinkd.micromanager;

import blinkd.stream.Clock;
import blinkd.stream.Endpoint;
import blinkd.stream.FrameStream;
import blinkd.stream.Log;
import java.util.HashSet;
import java.util.Set;
import org.micromanager.data.Image;
import org.micromanager.data.Processor;
import org.micromanager.data.ProcessorContext;
import org.micromanager.data.SummaryMetadata;

/**
 * The processor in Micro-Manager's pipeline.
 *
 * <p>In: summary metadata, images. Out: each image, first and unchanged; then the same to the recording. Never: a wait
 * for the daemon, a dialog, anything thrown of our own (a Throwable out of here would end the acquisition), more than
 * one line in the log for the same trouble, or 10 for an acquisition.
 */
final class FrameTap implements Processor {
    /** Different troubles that one acquisition writes into the log; the status line shows the last in any case. */
    private static final int LOG_LINES_MAX = 10;

    private final Settings settings;
    private final StudioCore core;
    private final Log log;
    private final StatusBoard board;
    private final String version;
    private final Clock clock = Clock.SYSTEM;
    private FrameStream stream;
    private Recording recording;
    private boolean over;
    private long notSent;
    private final Set<String> logged = new HashSet<>();

    FrameTap(Settings settings, StudioCore core, Log log, StatusBoard board, String version) {
        this.settings = settings;
        this.core = core;
        this.log = log;
        this.board = board;
        this.version = version;
    }

    @Override
    public SummaryMetadata processSummaryMetadata(SummaryMetadata summary) {
        guarded(() -> start(summary));
        return summary;
    }

    @Override
    public void processImage(Image image, ProcessorContext context) {
        context.outputImage(image);
        guarded(() -> show(image));
    }

    @Override
    public void cleanup(ProcessorContext context) {
        guarded(this::end);
    }

    private void start(SummaryMetadata summary) {
        board.trouble("");
        if (stream == null) {
            stream = FrameStream.open(Endpoint.parse(settings.endpoint), settings.queueFrames, clock, log);
        }
        board.use(stream);
        recording = new Recording(new Plan(summary), stream, core, clock, version);
    }

    private void show(Image image) {
        if (over) {
            return;
        }
        if (recording == null) {
            start(null);
        }
        board.use(stream);
        String why = recording.image(image);
        if (why != null) {
            notSent++;
            trouble(notSent + " image(s) not sent: " + why, why, null);
        }
    }

    private void end() {
        over = true;
        if (recording != null) {
            recording.end();
        }
        if (stream != null) {
            stream.close();
        }
    }

    /** One thread at a time: Micro-Manager starts, feeds and ends from threads of its own. */
    private synchronized void guarded(Runnable ours) {
        try {
            ours.run();
        } catch (Throwable any) {
            trouble("the plugin failed on an image or a setting: " + any, any.toString(), any);
        }
    }

    private void trouble(String shown, String what, Throwable cause) {
        board.trouble(shown);
        if (logged.size() < LOG_LINES_MAX && logged.add(what)) {
            log.trouble(shown, cause);
        }
    }
}
