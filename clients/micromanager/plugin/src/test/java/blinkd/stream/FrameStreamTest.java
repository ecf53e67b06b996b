package blinkd.stream;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The stream against a daemon that comes, stalls, goes and comes back; over real sockets. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class FrameStreamTest {
    private static final int SIDE_PX = 64;

    private final MemoryLog log = new MemoryLog();
    private FrameStream stream;

    @AfterEach
    void noThreadIsLeft() {
        stream.close();
        Until.holds("the sender thread has ended", () -> !stream.isRunning());
    }

    private SeriesPublisher open(String endpoint, int queueFrames) {
        stream = FrameStream.open(Endpoint.parse(endpoint), queueFrames, Clock.SYSTEM, log);
        return stream.begin(series("series-in-a-test"), true);
    }

    private static SeriesStart series(String id) {
        SeriesStart start = new SeriesStart();
        start.seriesId = id.getBytes(StandardCharsets.US_ASCII);
        start.name = "test";
        return start;
    }

    private static boolean offer(SeriesPublisher publisher, int sidePx) {
        FrameHeader header = new FrameHeader();
        header.widthPx = sidePx;
        header.heightPx = sidePx;
        header.pixelType = FrameHeader.PixelType.U16;
        return publisher.frame(header, new short[sidePx * sidePx]);
    }

    @Test
    void framesOfASeriesArriveInOrderBetweenItsStartAndItsEnd() throws IOException, InterruptedException {
        try (FakeDaemon daemon = FakeDaemon.start()) {
            SeriesPublisher publisher = open(daemon.endpoint(), 100);
            for (int i = 0; i < 50; i++) {
                assertTrue(offer(publisher, SIDE_PX));
            }
            publisher.end(EndReason.COMPLETED);
            Envelope first = daemon.next();
            while (first.start != null) { // told at the connection, too
                assertEquals("test", first.start.name);
                first = daemon.next();
            }
            assertEquals(0, first.frame.seq);
            for (int i = 1; i < 50; i++) {
                Envelope next = daemon.next();
                assertEquals(i, next.frame.seq);
                assertTrue(next.frame.sendUnixNs > 0);
            }
            assertArrayEquals(new long[] {0, 50, 0}, daemon.next().tileEnd);
            assertArrayEquals(
                    new long[] {EndReason.COMPLETED.ordinal(), 50, 50, 0, 49}, daemon.next().seriesEnd);
        }
    }

    @Test
    void withoutADaemonNothingWaitsButTheQueueAndTheRestIsCounted() {
        SeriesPublisher publisher = open("tcp://127.0.0.1:1", 8);
        for (int i = 0; i < 20; i++) {
            assertEquals(i < 8, offer(publisher, SIDE_PX));
        }
        Counts counts = publisher.counts();
        assertEquals("20 captured, 0 sent, 8 waiting, 12 dropped", counts.toString());
        Until.holds("the trouble shows", () -> !stream.trouble().isEmpty());
        assertTrue(stream.trouble().startsWith("no daemon at tcp://127.0.0.1:1: "), stream.trouble());
        assertFalse(stream.isConnected());
    }

    @Test
    void aDaemonThatIsAbsentIsLoggedOnceAndNotAtEachTry() throws IOException {
        try (ServerSocket stranger = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            open("tcp://127.0.0.1:" + stranger.getLocalPort(), 8);
            for (int tries = 0; tries < 3; tries++) {
                try (Socket peer = stranger.accept()) {
                    new DataInputStream(peer.getInputStream()).readFully(new byte[ZmtpHandshake.GREETING_BYTES]);
                }
            }
        }
        Until.holds("it is tried again when nothing listens any more", () -> stream.trouble().contains("refused"));
        assertEquals(1, log.count("no daemon at"), log.lines.toString());
    }

    @Test
    void aDaemonThatHangsUpAgainAndAgainIsLoggedOnce() throws IOException {
        FakeDaemon daemon = FakeDaemon.start();
        Written.SetClock clock = new Written.SetClock();
        stream = FrameStream.open(Endpoint.parse(daemon.endpoint()), 8, clock, log);
        for (int times = 0; times < 4; times++) {
            Until.holds("connected", () -> stream.isConnected());
            daemon.close();
            Until.holds("the loss shows", () -> !stream.isConnected());
            daemon = daemon.again();
            clock.advance(Backoff.LONGEST_MS); // the next try is due
        }
        daemon.close();
        assertEquals(1, log.count("has gone"), log.lines.toString());
        assertEquals(1, log.count("connected to the daemon"), log.lines.toString());
    }

    @Test
    void aDaemonThatTakesNothingFillsTheQueueAndTheCallerNeverWaits() throws IOException {
        try (FakeDaemon daemon = FakeDaemon.stalled()) {
            int side = 1024; // 2 MiB: a few of them fill what the system buffers
            SeriesPublisher publisher = open(daemon.endpoint(), 4);
            Until.holds("connected", () -> stream.isConnected());
            long startedMs = Clock.SYSTEM.monotonicMs();
            int offered = 0;
            while (publisher.counts().dropped < 10) {
                offer(publisher, side);
                offered++;
            }
            Counts counts = publisher.counts();
            assertEquals(offered, counts.captured);
            assertEquals(counts.captured, counts.sent + counts.waiting + counts.dropped);
            assertTrue(counts.waiting <= 4, counts.toString());
            assertTrue(Clock.SYSTEM.monotonicMs() - startedMs < Link.STALL_MS / 2, "the caller waited");
        }
    }

    @Test
    void aStalledDaemonThatReadsAgainGetsWhatWaited() throws IOException, InterruptedException {
        try (FakeDaemon daemon = FakeDaemon.stalled()) {
            SeriesPublisher publisher = open(daemon.endpoint(), 4);
            Until.holds("connected", () -> stream.isConnected());
            while (publisher.counts().dropped == 0) {
                offer(publisher, 1024);
            }
            daemon.read();
            Until.holds("all is sent", () -> publisher.counts().waiting == 0);
            publisher.end(EndReason.COMPLETED);
            Envelope message = daemon.next();
            long frames = 0;
            while (message.seriesEnd == null) {
                frames += message.frame == null ? 0 : 1;
                message = daemon.next();
            }
            assertEquals(message.seriesEnd[2], frames);
            assertEquals(message.seriesEnd[1], frames + message.seriesEnd[3]);
        }
    }

    @Test
    void aDaemonThatWasRestartedLearnsTheSeriesAndGetsTheFramesThatWaited() throws IOException, InterruptedException {
        FakeDaemon first = FakeDaemon.start();
        SeriesPublisher publisher = open(first.endpoint(), 100);
        offer(publisher, SIDE_PX);
        while (first.next().frame == null) {
            // Its description comes before it.
        }
        first.close();
        Until.holds("the loss shows", () -> !stream.isConnected());
        for (int i = 0; i < 5; i++) {
            assertTrue(offer(publisher, SIDE_PX));
        }
        try (FakeDaemon second = first.again()) {
            assertEquals("test", second.next().start.name);
            for (int i = 1; i <= 5; i++) {
                assertEquals(i, second.next().frame.seq);
            }
        }
        assertEquals(1, log.count("has gone"), log.lines.toString());
    }

    @Test
    void aSeriesThatEndedIsNotToldToTheNextDaemon() throws IOException, InterruptedException {
        FakeDaemon first = FakeDaemon.start();
        SeriesPublisher ended = open(first.endpoint(), 100);
        ended.end(EndReason.COMPLETED);
        while (first.next().seriesEnd == null) {
            // The start comes before it.
        }
        SeriesPublisher open = stream.begin(series("series-that-goes"), true);
        first.close();
        Until.holds("the loss shows", () -> !stream.isConnected());
        try (FakeDaemon second = first.again()) {
            offer(open, SIDE_PX);
            Envelope message = second.next();
            while (message.frame == null) {
                assertEquals("series-that-goes", new String(message.seriesId(), StandardCharsets.US_ASCII));
                message = second.next();
            }
        }
    }

    @Test
    void aHeartbeatComesWhileNoFrameDoesAndOnlyForSeriesThatWantOne() throws IOException, InterruptedException {
        try (FakeDaemon daemon = FakeDaemon.start()) {
            open(daemon.endpoint(), 8);
            stream.begin(series("live-without-one"), false);
            for (int i = 0; i < 2; i++) {
                assertEquals(
                        "series-in-a-test", new String(daemon.nextHeartbeat().seriesId(), StandardCharsets.US_ASCII));
            }
        }
    }

    @Test
    void whatCannotBeEncodedIsDroppedAndCountedAndTheNextFrameGoes() throws IOException, InterruptedException {
        try (FakeDaemon daemon = FakeDaemon.start()) {
            SeriesPublisher publisher = open(daemon.endpoint(), 8);
            FrameHeader broken = new FrameHeader();
            broken.camera = null;
            assertTrue(publisher.frame(broken, new byte[1]));
            assertTrue(publisher.frame(broken, new byte[1]));
            offer(publisher, SIDE_PX);
            Envelope message = daemon.next();
            while (message.frame == null) {
                message = daemon.next();
            }
            assertEquals(2, message.frame.seq);
            Until.holds("counted", () -> publisher.counts().sent == 1);
            assertEquals("3 captured, 1 sent, 0 waiting, 2 dropped", publisher.counts().toString());
            assertEquals(1, log.count("could not be encoded"));
        }
    }

    @Test
    void closingReturnsAtOnceAndTheEndIsStillSent() throws IOException, InterruptedException {
        try (FakeDaemon daemon = FakeDaemon.start()) {
            SeriesPublisher publisher = open(daemon.endpoint(), 8);
            offer(publisher, SIDE_PX);
            publisher.end(EndReason.ABORTED);
            stream.close();
            assertFalse(offer(publisher, SIDE_PX));
            Envelope message = daemon.next();
            while (message.seriesEnd == null) {
                message = daemon.next();
            }
            assertEquals(EndReason.ABORTED.ordinal(), message.seriesEnd[0]);
            assertNull(message.frame);
        }
    }

    @Test
    void closingWithoutADaemonDropsAndCountsWhatWaits() {
        SeriesPublisher publisher = open("tcp://127.0.0.1:1", 8);
        offer(publisher, SIDE_PX);
        publisher.end(EndReason.COMPLETED);
        stream.close();
        Until.holds("the sender thread has ended", () -> !stream.isRunning());
        assertEquals("1 captured, 0 sent, 0 waiting, 1 dropped", publisher.counts().toString());
    }
}
