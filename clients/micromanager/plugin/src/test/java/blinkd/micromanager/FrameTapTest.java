package blinkd.micromanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import blinkd.stream.Until;
import blinkd.studio.FakeImage;
import blinkd.studio.FakePipeline;
import blinkd.studio.FakeStudio;
import blinkd.studio.FakeSummary;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.micromanager.data.Image;
import org.micromanager.data.ProcessorContext;
import org.micromanager.data.SummaryMetadata;

/** What the acquisition sees of the plugin: its images, and nothing else. There is no daemon here. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class FrameTapTest {
    private static final String NOWHERE = "tcp://127.0.0.1:1";
    private static final int QUEUE = 4;

    private final FakeStudio studio = new FakeStudio();
    private final StatusBoard board = new StatusBoard();
    private final FakePipeline pipeline = new FakePipeline();
    private final Random random = new Random(1);
    private FrameTap tap = tap(NOWHERE);

    private FrameTap tap(String endpoint) {
        Settings settings = new Settings(endpoint, QUEUE, Settings.PAGE_DEFAULT);
        return new FrameTap(settings, StudioCore.of(studio), new StudioLog(studio), board, "test");
    }

    @AfterEach
    void noThreadIsLeft() {
        tap.cleanup(pipeline);
        Until.holds("the sender thread has ended", () -> !board.look().running);
    }

    private FakeImage image() {
        return FakeImage.noise(random, 16);
    }

    private long errors() {
        return studio.log.stream().filter(line -> line.startsWith("error")).count();
    }

    @Test
    void anImageIsPassedOnBeforeAnythingElseIsDoneWithIt() {
        tap.processSummaryMetadata(FakeSummary.burst("a", 1));
        FakeImage image = image();
        long[] offeredBefore = {-1};
        tap.processImage(image, new ProcessorContext() {
            @Override
            public void outputImage(Image passed) {
                assertSame(image, passed);
                offeredBefore[0] = board.look().counts.captured;
            }

            @Override
            public SummaryMetadata getSummaryMetadata() {
                return null;
            }
        });
        assertEquals(0, offeredBefore[0]);
        assertEquals(1, board.look().counts.captured);
    }

    @Test
    void theSummaryIsPassedOnAsItIs() {
        FakeSummary summary = FakeSummary.burst("a", 1);
        assertSame(summary, tap.processSummaryMetadata(summary));
        FakeSummary broken = new FakeSummary();
        broken.positions.add(null);
        assertSame(broken, tap.processSummaryMetadata(broken));
    }

    @Test
    void withoutADaemonEveryImageIsPassedOnAndWhatFindsNoRoomIsCounted() {
        tap.processSummaryMetadata(FakeSummary.burst("a", 100));
        for (int i = 0; i < 100; i++) {
            tap.processImage(image(), pipeline);
        }
        assertEquals(100, pipeline.passed.get());
        assertEquals("100 captured, 0 sent, 4 waiting, 96 dropped", board.look().counts.toString());
        Until.holds("the log says why", () -> errors() == 1);
    }

    @Test
    void imagesThatCannotBeSentArePassedOnAndLoggedOnce() {
        tap.processSummaryMetadata(FakeSummary.burst("a", 3));
        for (int i = 0; i < 3; i++) {
            FakeImage colour = new FakeImage(new byte[16 * 16 * 4], 16, 16);
            colour.components = 3;
            tap.processImage(colour, pipeline);
        }
        assertEquals(3, pipeline.passed.get());
        assertEquals(0, board.look().counts.captured);
        assertEquals(
                "3 image(s) not sent: colour images cannot be sent: choose PixelType 8bit or 16bit in the Device "
                        + "Property Browser",
                board.look().lastError);
        assertEquals(1, studio.log.stream().filter(line -> line.contains("colour")).count());
    }

    @Test
    void anImageThatThrowsIsPassedOnAndTheNextOneIsSent() {
        tap.processSummaryMetadata(FakeSummary.burst("a", 2));
        FakeImage broken = image();
        broken.camera = null;
        broken.affine = null;
        broken.exposureMs = null;
        broken.pixelSizeUm = null;
        broken.binning = null;
        tap.processImage(broken, pipeline); // says nothing of itself, and is sent
        tap.processImage(new Throwing(), pipeline);
        tap.processImage(new Throwing(), pipeline);
        tap.processImage(image(), pipeline);
        assertEquals(4, pipeline.passed.get());
        assertEquals(2, board.look().counts.captured);
        assertTrue(board.look().lastError.contains("no such image"), board.look().lastError);
        assertEquals(1, studio.log.stream().filter(line -> line.contains("no such image")).count());
    }

    @Test
    void whatThePipelineItselfThrowsIsNotSwallowed() {
        ProcessorContext full = new ProcessorContext() {
            @Override
            public void outputImage(Image passed) {
                throw new IllegalStateException("disk full");
            }

            @Override
            public SummaryMetadata getSummaryMetadata() {
                return null;
            }
        };
        assertThrows(IllegalStateException.class, () -> tap.processImage(image(), full));
    }

    @Test
    void aWrongEndpointStopsNoImageAndIsShown() {
        tap = tap("ipc:///tmp/blinkd");
        tap.processSummaryMetadata(FakeSummary.burst("a", 2));
        tap.processImage(image(), pipeline);
        tap.processImage(image(), pipeline);
        assertEquals(2, pipeline.passed.get());
        assertTrue(board.look().lastError.contains("write tcp://HOST:PORT"), board.look().lastError);
        assertEquals(1, errors());
    }

    @Test
    void imagesWithoutASummaryAndAfterTheEndArePassedOn() {
        tap.processImage(image(), pipeline);
        tap.cleanup(pipeline);
        tap.processImage(image(), pipeline);
        tap.cleanup(pipeline);
        assertEquals(2, pipeline.passed.get());
        assertEquals(1, board.look().counts.captured);
    }

    @Test
    void aLogThatFailsStopsNothing() {
        tap = new FrameTap(
                new Settings("nonsense", QUEUE, Settings.PAGE_DEFAULT),
                StudioCore.of(studio),
                new StudioLog(null),
                board,
                "test");
        tap.processImage(image(), pipeline);
        assertEquals(1, pipeline.passed.get());
    }

    /** An image whose pixels cannot be had, as after Micro-Manager ran out of memory: an Error, no Exception. */
    private static final class Throwing implements Image {
        @Override
        public org.micromanager.data.Metadata getMetadata() {
            return null;
        }

        @Override
        public org.micromanager.data.Coords getCoords() {
            return null;
        }

        @Override
        public int getWidth() {
            return 1;
        }

        @Override
        public int getHeight() {
            return 1;
        }

        @Override
        public int getNumComponents() {
            return 1;
        }

        @Override
        public Object getRawPixels() {
            throw new NoSuchMethodError("no such image");
        }
    }
}
